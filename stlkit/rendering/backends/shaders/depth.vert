#version 330 core
// Where a vertex falls, and nothing else.

layout(location = 0) in vec3 position;

uniform mat4 model_to_clip;

void main()
{
    gl_Position = model_to_clip * vec4(position, 1.0);
}
