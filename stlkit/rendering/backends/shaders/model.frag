#version 330 core
// The formula at the head of stlkit/rendering/shading.py, for every pixel. Compiled in several forms, because a
// software renderer works out both sides of every branch:
//   COLOR_0_LOC    the colour comes with the vertices
//   WOOD_GRAIN     the colour is grained like timber
//   GLASS_LAYERS   the body of every translucent layer, to be laid over each other
//   GLASS_SURFACE  what the nearest translucent layer mirrors
// and without the last two, everything of a material that hides what is behind it.

uniform sampler2D matt_map;
uniform sampler2D mirrored_map;
uniform vec2 map_scale;  // from the unit square to a map without its border

uniform vec3 base_color;
uniform float metallic;
uniform float roughness;
uniform float reflectance;
uniform float opacity;
uniform float grain;
uniform vec3 grain_axis;

uniform vec4 eye;
uniform float floor_z;

in vec3 model_position;
in vec3 world_position;
in vec3 world_normal;
#ifdef COLOR_0_LOC
in vec3 vertex_color;
#endif

out vec4 frag_color;

vec3 light_from(sampler2D map, vec3 direction)
{
    vec3 folded = direction / (abs(direction.x) + abs(direction.y) + abs(direction.z));
    if (folded.z < 0.0) {
        vec2 side = vec2(folded.x < 0.0 ? -1.0 : 1.0, folded.y < 0.0 ? -1.0 : 1.0);
        folded.xy = (1.0 - abs(folded.yx)) * side;
    }
    return textureLod(map, 0.5 + folded.xy * map_scale, 0.0).rgb;
}

// --- From here on the text is also what the notebook's previewer draws with, in WebGL: GLSL of both worlds. ---

float near_floor(float upward)
{
    float height = world_position.z - floor_z;
    return 1.0 - 0.75 * (1.0 - smoothstep(-0.5, 0.3, upward)) / (1.0 + 12.0 * height * height);
}

vec2 environment_term(float facing)
{
    float first = 1.0 - roughness;
    float second = 0.0425 - 0.0275 * roughness;
    float grazing = min(first * first, exp2(-9.28 * facing)) * first + second;
    return max(vec2(-1.04, 1.04) * grazing + vec2(1.04 - 0.572 * roughness, 0.022 * roughness - 0.04), 0.0);
}

#ifdef WOOD_GRAIN
// A board sawn from the side of a trunk whose heart lies below and behind the model: rings, rays, fibres.
vec3 grown(vec3 color)
{
    vec3 across = normalize(cross(grain_axis, vec3(0.36, 0.48, 0.8)));
    vec3 along = cross(grain_axis, across);
    float a = dot(model_position, grain_axis);
    float u = dot(model_position, across);
    float v = dot(model_position, along);
    float wave = 0.030 * sin(2.3 * a + 1.7 * u) + 0.012 * sin(4.9 * a - 3.1 * v + 1.0) + 0.004 * sin(13.0 * a + 5.0 * u);
    float radius = length(vec2(u + 1.3, v + 2.1)) + wave;
    float ring = fract(radius * 13.0 + 0.4 * sin(5.0 * radius) + 0.2 * sin(17.0 * radius));
    float late = smoothstep(0.0, 0.85, ring) * (1.0 - smoothstep(0.88, 1.0, ring));
    float fibre = sin(83.0 * u + 3.0 * sin(2.0 * a + 9.0 * v)) * sin(79.0 * v + 3.0 * sin(1.6 * a + 8.0 * u));
    float tone = 1.10 - 0.30 * late + 0.04 * fibre + 0.05 * sin(9.0 * u + 7.0 * v);
    return color * mix(vec3(1.0), pow(vec3(tone), vec3(0.9, 1.05, 1.25)), grain);
}
#endif

const float SHOULDER = 0.78;

vec3 encoded(vec3 light)
{
    vec3 over = max(light - SHOULDER, 0.0) / (1.0 - SHOULDER);
    vec3 linear = min(light, vec3(SHOULDER)) + (1.0 - SHOULDER) * over / (1.0 + over);
    // sRGB by square roots, above 0.002 to within a third of a level of 255. Source: I. Taylor, "sRGB approximations for HLSL", 2012.
    vec3 root = sqrt(linear);
    vec3 fourth = sqrt(root);
    return 0.662002687 * root + 0.684122060 * fourth - 0.323583601 * sqrt(fourth) - 0.0225411470 * linear;
}

void main()
{
    vec3 normal = normalize(world_normal);
    if (!gl_FrontFacing) {
        normal = -normal;
    }
    vec3 to_eye = normalize(eye.xyz - eye.w * world_position);
    float facing = clamp(dot(normal, to_eye), 0.0, 1.0);
    vec3 base = base_color;
#ifdef COLOR_0_LOC
    base = vertex_color;
#endif
#ifdef WOOD_GRAIN
    base = grown(base);
#endif
#ifdef GLASS_LAYERS
    // One tint for all layers, so that their order does not matter: the colour, deepened, as of light that came through
    // much glass. Rims are seen through more of it than what faces the eye.
    float rim = 1.0 - facing;
    float hidden = mix(opacity, 0.85, rim * rim * sqrt(rim));
    frag_color = vec4(encoded(0.34 * pow(base, vec3(1.6))) * hidden, hidden);
#else
    vec3 ray = 2.0 * facing * normal - to_eye;
    vec2 term = environment_term(facing);
    vec3 gloss = (mix(vec3(reflectance), base, metallic) * term.x + term.y) * light_from(mirrored_map, ray) * near_floor(ray.z);
    vec3 matt = base * (1.0 - metallic) * light_from(matt_map, normal) * near_floor(normal.z);
#ifdef GLASS_SURFACE
    vec3 color = encoded(gloss + 0.25 * opacity * matt);
    frag_color = vec4(color, max(color.r, max(color.g, color.b)));
#else
    frag_color = vec4(encoded(matt + gloss), 1.0);
#endif
#endif
}
