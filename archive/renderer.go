package archive

// Renderer is the version of everything that decides the bytes of a bundle's
// files, once its slices are frozen: the formats, the packing, the manifest, the
// encryption. Each bundle's frozen head names the one that it is rendered by.
//
// Any change that makes other bytes of the same frozen head raises it, and so
// does a new Go or library that does: the golden bundles of archive/profile tell.
// Only the newest version is kept. A bundle of an older one is delivered from the
// spool, or from a copy that its destination still has.
const Renderer = 1
