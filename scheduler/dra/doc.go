// Package dra knows the objects of dynamic resource allocation as a scheduler has to see them: ResourceClaims, the
// ResourceSlices in which drivers offer devices, and DeviceClasses. A Manager is the SharedDRAManager of every plugin's
// Handle.
//
// A scheduler decides faster than the API server shows what was decided. Claims therefore keeps, beside what was shown:
//
//	pending   a claim whose allocation was decided and is not written yet
//	assumed   a claim as the API server returned it from a write, until a watch shows that version or a newer one
//
// It promises that a device counts as taken from the moment a decision is signalled until the claim is seen to be
// without allocation again, with no gap between pending, assumed and shown; that a watch never replaces a newer version
// by an older one; and that listeners hear of each change once and in order, after the change can be read.
//
// It never writes to the API, and decides nothing.
package dra
