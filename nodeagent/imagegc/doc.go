// Package imagegc removes images from a node that nobody uses: the kubelet's image garbage collector.
//
// Every five minutes it looks at how full the file system of images is. From the high threshold on it removes images, those first that
// have not been used for longest, until the low threshold would be reached; images that are older than the maximum age go anyway, if there
// is one. When the node runs out of disk, package eviction has it remove all that can go.
//
// It never removes an image that a container uses, whoever's and whether it runs, as its own or as a volume; one that the runtime has
// pinned; or, for space, one that was seen first less than the minimum age ago, which a pod may be about to use.
//
// It is a loop of framework/engine with two keys: to collect as the settings say, and to collect all. When images were seen first and used
// last is remembered by the agent alone, and begins anew with it, as with the kubelet. Reasons and messages of events are the kubelet's.
package imagegc
