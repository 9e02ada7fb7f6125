"""One job from STL to outputs."""
