// Package images puts together the images that conformance tests ask for, without any registry: from a Debian root, the programs that
// package programs builds, and files of upstream's module. Their names are upstream's, of the version that go.mod pins.
//
// An image that stands for upstream's has what the tests look at in it, and no more: it is no substitute anywhere else. It promises that
// the same programs and the same Debian root give the same archive, and that nothing is made again that is there.
package images
