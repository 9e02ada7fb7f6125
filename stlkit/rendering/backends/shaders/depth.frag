#version 330 core
// Only the depth is kept.

void main()
{
}
