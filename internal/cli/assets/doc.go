// Package assets puts the programs into a directory that controller-runtime's envtest starts, all of them links to one that is each of
// them by its name, and says by which variables a suite finds them there.
//
// Beside them lies what answers as setup-envtest does, the tool that downloads such programs: a Makefile of kubebuilder's asks it where
// they are. It says where it lies, whatever version is asked for, and so downloads nothing.
package assets
