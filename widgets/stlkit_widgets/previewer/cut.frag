// What stands behind the shared part: the section plane, and the hatch on what it has cut.
// Where the inside of a solid model is seen, that is through the cut: a flat, hatched back looks like the cut surface.

#undef main

void main()
{
    #include <clipping_planes_fragment>
#ifdef HATCHED
    float stripe = mod(gl_FragCoord.x + gl_FragCoord.y, 9.0);
    frag_color = vec4(FILLING * (stripe < 1.5 ? 0.72 : 1.0), 1.0);
#else
    shade_model();
#endif
}
