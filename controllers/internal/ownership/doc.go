// Package ownership says which objects a controller holds, and settles the claims that are open.
//
// [Observe] reads them, [Claims] says what is what, and [Claims.Settle] plans to adopt and release. [WakesAdopters] wakes whoever might
// adopt an orphan that comes into sight.
//
// A controller holds the objects whose controller reference names its UID and which its selector matches. An object
// that it holds and no longer selects is released: it runs on, and belongs to nobody. One that it selects and that
// belongs to nobody is adopted.
//
// # What it promises
//
//   - An object never has two controllers: adoption and release are locked to the observed resourceVersion.
//   - Nothing is adopted for an owner that is gone or going: the owner is read from the API server itself first, since
//     the cache may not know of its deletion yet, and what was adopted then would be collected with it.
//   - An owner that is being deleted claims nothing, and releases nothing.
//
// # What it never does
//
// It never decides between two owners whose selectors overlap: whoever comes first holds the object.
package ownership
