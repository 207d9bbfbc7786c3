// Package static reads the pods that a node runs by itself: the kubelet's static pods, whose manifests are files of the node, or are
// served at a URL.
//
// It is a loop of package engine with a key for each of the two sources. A pass reads the source anew:
//
//   - Observe reads the manifests. Of a directory these are its files, without those whose names begin with a dot and without
//     directories; a file has one pod, in YAML or JSON. What is served at a URL is a pod or a list of pods.
//   - Plan has the node run what is there, and let go of what is there no more.
//   - The directory is watched (inotify), and read in any case every FileCheckFrequency; the URL every HTTPCheckFrequency.
//
// What it promises: a pod has the name of its manifest and of the node, and a UID that follows from its manifest, its node and where it
// comes from, so that the same manifest is the same pod after a restart of the agent, and one that was changed is another pod. A
// manifest that refers to objects of the API (Secrets, ConfigMaps, service accounts, claims and so on) is refused. A file that is being
// written, or that is no pod any more, leaves its pod as it was until the file is a pod again or is gone. A directory that is not there
// has no pods; a manifest that is taken away and put back has its pod end and run again; a path that cannot be read, and a URL that does
// not answer, change nothing.
//
// It runs nothing (package pods does), and tells the API server nothing (package mirror does).
package static
