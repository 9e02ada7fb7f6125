#version 330 core
// One vertex of the model: turned about the vertical axis, seen by the camera.

layout(location = 0) in vec3 position;
layout(location = 1) in vec3 normal;
#ifdef COLOR_0_LOC
layout(location = COLOR_0_LOC) in vec4 color_0;
#endif

uniform mat4 model_to_clip;
uniform mat4 model_to_world;

out vec3 model_position;
out vec3 world_position;
out vec3 world_normal;
#ifdef COLOR_0_LOC
out vec3 vertex_color;
#endif

void main()
{
    gl_Position = model_to_clip * vec4(position, 1.0);
    model_position = position;
    world_position = vec3(model_to_world * vec4(position, 1.0));
    world_normal = mat3(model_to_world) * normal;
#ifdef COLOR_0_LOC
    vertex_color = color_0.rgb;
#endif
}
