// Package stats measures what a node and its pods use: the kubelet's stats provider.
//
// It reads containers' figures from the container runtime, by CRI, those of a pod as a whole from its control group, and the
// machine's from /proc; where nothing is known of a whole pod, that is what its containers use together. What is on the disk it finds
// by walking through it, for the whole summary only. It keeps nothing: all is read when it is asked for, but for the volumes
// of claims, whose drivers are asked every minute (Claims), so that nobody waits for them. What could not be read is left
// out and never shown as zero; only an error of the runtime, or of the machine's own figures, is an error. NodeStats measures the
// node without its pods, quickly, and says how its disks are: by these figures package eviction decides.
//
// Containers that have ended have no figures, and neither has a pod of which none runs.
package stats
