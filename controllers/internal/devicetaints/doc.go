// Package devicetaints knows what the taints of devices mean for those who use them.
//
// A device is tainted by its driver, in a ResourceSlice, or by an administrator, in a DeviceTaintRule. A taint with the effect NoExecute
// makes the pods go that use the device by a ResourceClaim, unless the claim tolerates it: for ever, or for some seconds.
//
// It owns the index of claims by the pools of their devices, decides nothing, and is pure but for the [Evictions] of pods that were
// evicted.
package devicetaints
