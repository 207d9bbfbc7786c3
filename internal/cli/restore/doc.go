// Package restore puts a namespace, or a part of one, from a snapshot into a cluster that runs.
//
// [Observe] reads the namespace as it was and what the cluster has of it now, [Make] decides what is done with each object and says
// why, and [Run] does it, looks again, and goes on until there is nothing left to do. Make is pure: its [Plan] can be printed first.
//
// # What it promises
//
//   - What exists is left as it is. Only Request.Overwrite replaces objects, and only Request.RebindVolumes lets a volume go from a claim
//     that is no more. A write over something is locked to what was observed.
//   - Everything is asked of the cluster's API server, as whoever calls: their rights, admission, quotas and webhooks hold.
//   - An object never refers to an owner that is not there, which would be its end: it is made without its owners that are still
//     to come, and given to them in the next round.
//   - What a controller makes again is left to it: what has a controller that is restored or there, and what holds no data. A claim, a
//     Secret or a ConfigMap is restored before what owns it, so that none is made anew in its place.
//   - A restore that was interrupted, or failed in part, goes on when it is done again. One that is complete does nothing. Each object that was made
//     has an annotation with the UID that it had ([RestoredUID]), by which it is known again.
//   - Where something could not be read, nothing is done about it, and it is told.
//
// # What it is not
//
// It brings back no data of volumes, only claims to them. It changes nothing outside of the namespace but what the Request names; what the
// objects need there is told ([Plan].Needs). What an aggregated API server stores is in no snapshot.
package restore
