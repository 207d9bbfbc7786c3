// Package fakeattacher plays the external-attacher of a CSI driver, and what kubelets do about attached volumes, in the worlds of package
// looptest: attachments get attached and detached; kubelets report a volume in use, mount it where they are told that it is attached, and
// report it no more when no pod of theirs has it. It does one small step at a time, in whatever order it is asked. It is for tests only.
package fakeattacher
