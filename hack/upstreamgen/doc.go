// Command upstreamgen ties our kinds to their upstream namesakes.
//
//	upstreamgen ./apis
//
// In every package below the given directory whose doc.go has the marker
// +orrery:upstream=IMPORTPATH, it writes zz_generated.upstream.go. That file holds, for each
// type marked +kubebuilder:object:root=true:
//
//   - a cast which compiles only while the type's underlying type is upstream's, so that a new
//     field upstream is a build error here and never a silent loss;
//   - the protobuf methods of upstream's type, by way of that cast, so that clients and caches
//     can use protobuf against an API server that serves the kind under its Kubernetes name.
//
// It reads source text only: the packages need not compile.
package main
