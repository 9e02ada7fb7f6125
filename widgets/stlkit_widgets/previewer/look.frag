// What stands before the shared part of the pictures' shader (stlkit/rendering/backends/shaders/model.frag) in a page.
// The pictures look their light up in maps, made for one camera; here the same formulas (stlkit/rendering/shading.py)
// are worked out for every pixel, because softboxes are fixed to the camera and the camera moves.
// `looks` puts constants of the surface in front, and the calls of `softbox` into `shine`.

varying vec3 model_position;
varying vec3 world_position;
varying vec3 world_normal;
varying float without_perspective;
#ifdef COLOR_0_LOC
varying vec3 vertex_color;
#endif
#include <clipping_planes_pars_fragment>

#define frag_color gl_FragColor
#define backward vec3(viewMatrix[0][2], viewMatrix[1][2], viewMatrix[2][2])
#define eye mix(vec4(cameraPosition, 1.0), vec4(backward, 0.0), without_perspective)
// seen from below, a model stands on nothing
#define floor_z (without_perspective < 0.5 && cameraPosition.z <= FLOOR_Z ? -1000.0 : FLOOR_Z)

vec3 room_light(vec3 sky, vec3 horizon, vec3 ground, float height, float blur)
{
    float width = 0.08 + 0.92 * blur;
    vec3 above = ground + (horizon - ground) * smoothstep(-width, 0.5 * width, height);
    return above + (sky - horizon) * smoothstep(0.0, 1.0, height);
}

float blurred_box(float offset, float half_size, float blur)
{
    return smoothstep(-blur, blur, offset + half_size) - smoothstep(-blur, blur, offset - half_size);
}

// The light of one softbox: what a matt surface with that normal sends back, or what a mirror shows along that ray.
vec3 softbox(bool mirrored, vec3 direction, vec3 seen_by_camera, vec3 color, vec2 half_size, float glare)
{
    vec3 towards = seen_by_camera * mat3(viewMatrix);
    float ahead = dot(direction, towards);
    if (!mirrored) {
        return clamp((ahead + SOFTNESS) / (1.0 + SOFTNESS), 0.0, 1.0) * color;
    }
    if (ahead <= 0.0) {
        return vec3(0.0);
    }
    vec3 across = vec3(-towards.y, towards.x, 0.0);
    across = dot(across, across) > 0.0 ? normalize(across) : vec3(1.0, 0.0, 0.0);
    vec3 along = cross(towards, across);
    float blur = 0.04 + 1.4 * ROUGHNESS * ROUGHNESS;
    float safe = max(ahead, 0.001);
    float x = blurred_box(dot(direction, across) / safe, half_size.x, blur);
    float y = blurred_box(dot(direction, along) / safe, half_size.y, blur);
    return x * y * glare * color;
}

vec3 shine(bool mirrored, vec3 direction)
{
    vec3 total = mirrored
        ? room_light(MIRRORED_SKY, MIRRORED_HORIZON, MIRRORED_GROUND, direction.z, ROUGHNESS)
        : room_light(SKY, HORIZON, GROUND, direction.z, 1.0);
    SOFTBOXES
    return total;
}

#define matt_map false
#define mirrored_map true
#define light_from(map, direction) shine(map, direction)
#define base_color BASE_COLOR
#define metallic METALLIC
#define roughness ROUGHNESS
#define reflectance REFLECTANCE
#define opacity OPACITY
#define grain GRAIN
#define grain_axis GRAIN_AXIS
#define main shade_model
