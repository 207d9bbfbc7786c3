// Package plane runs the parts of a control plane in one process.
//
// A part is a [Component]: a name, the components that it needs, and a function that runs until its context ends. The
// [Plane] starts each as soon as what it needs runs, starts it anew with back-off when it fails later on, stops them in
// the opposite order, and knows at any time how each of them is.
//
// A component that fails before it was ever of use ends the whole start: somebody is watching, and an error now is
// better than a plane that limps. One that is vital ends the plane at any time.
//
// What the components are is not its business: package cli makes them.
package plane
