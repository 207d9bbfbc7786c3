// Package objects reads what pods refer to: ConfigMaps, Secrets, RuntimeClasses, CSIDrivers, ClusterTrustBundles, claims with their volumes, tokens of service
// accounts and certificates of pods.
//
// A node may read and watch only the objects that its own pods name, one by one. So each is read when it is needed, and is watched from
// then on for as long as it is asked for, where the source was told to (Source.Watch): what it answers is then as new as the watch.
// Where nothing is watched, an answer is at most TTL old. An immutable object is kept, and not watched. ClusterTrustBundles, which a
// node may read all of, are listed, and not watched.
//
// An API server that has not heard yet that a pod is on the node refuses what the pod refers to: a Patient client asks it again.
package objects
