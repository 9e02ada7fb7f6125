// One vertex of the model, whose space is the world, as in the pictures.

varying vec3 model_position;
varying vec3 world_position;
varying vec3 world_normal;
varying float without_perspective;
#ifdef USE_COLOR
varying vec3 vertex_color;
#endif
#include <clipping_planes_pars_vertex>

void main()
{
    vec4 mvPosition = modelViewMatrix * vec4(position, 1.0);
    gl_Position = projectionMatrix * mvPosition;
    model_position = position;
    world_position = position;
    world_normal = normal;
    without_perspective = projectionMatrix[3][3];
#ifdef USE_COLOR
    vertex_color = color;
#endif
    #include <clipping_planes_vertex>
}
