package main

import (
	"math"

	corev1 "k8s.io/api/core/v1"
)

// genericWorkload is the Kubernetes feature that gangs are behind.
const genericWorkload = "GenericWorkload"

// workload is what is scheduled, and where.
type workload struct {
	name  string
	about string
	// like is the workload of upstream's scheduler_perf whose numbers and templates these are.
	like  string
	nodes int
	zones []string
	// before are pods that are scheduled before the measurement, in a namespace that is not the measured one.
	before []batch
	// measured are the pods that count.
	measured batch
	// gang is how many of the measured pods are one group; 0 means none.
	gang int
	// fills says that no more pods of the kind fit afterwards.
	fills bool
	// preempts says that the measured pods need the place of those before.
	preempts bool
	// churn creates and deletes other objects meanwhile.
	churn bool
	// holds are the constraints that must hold of the placements, besides that no node is overfull.
	holds []constraint
	// cycle says that the workload is measured in the cycle alone, too.
	cycle bool
	gates map[string]bool
}

// batch is a number of like pods.
type batch struct {
	pods int
	make func(change ...func(*corev1.Pod)) *corev1.Pod
	with []func(*corev1.Pod)
}

func (b batch) pod() *corev1.Pod { return b.make(b.with...) }

func like(pods int, with ...func(*corev1.Pod)) batch {
	return batch{pods: pods, make: newPod, with: with}
}

var (
	oneZone    = []string{"zone1"}
	threeZones = []string{"moon-1", "moon-2", "moon-3"}
)

var workloads = []workload{{
	name: "basic", like: "SchedulingBasic/5000Nodes_10000Pods", cycle: true,
	about: "pods that ask for CPU and memory",
	nodes: 5000, before: []batch{like(1000)}, measured: like(10000),
}, {
	name: "node-affinity", like: "SchedulingNodeAffinity/5000Nodes_10000Pods", cycle: true,
	about: "pods that require a zone, which all nodes are in",
	nodes: 5000, zones: oneZone, before: []batch{like(5000, requiredZone)}, measured: like(10000, requiredZone),
}, {
	name: "preferred-node-affinity", like: "the one before, preferred", cycle: true,
	about: "pods that prefer one of three zones",
	nodes: 5000, zones: threeZones, before: []batch{like(5000, preferredZone)}, measured: like(10000, preferredZone),
}, {
	name: "pod-affinity", like: "SchedulingPodAffinity/5000Nodes", cycle: true,
	about: "pods that require the zone of pods like them",
	nodes: 5000, zones: oneZone, before: []batch{like(5000, blue, nearBlue)}, measured: like(1000, blue, nearBlue),
}, {
	name: "pod-affinity-first", like: "pod-affinity, each pod the first of its shape", cycle: true,
	about: "pods that require the zone of pods like them, each by a term that no pod before had",
	nodes: 5000, zones: oneZone, before: []batch{like(5000, blue)}, measured: like(1000, blue, nearBlueByATermOfItsOwn),
}, {
	name: "pod-anti-affinity", like: "SchedulingPodAntiAffinity/5000Nodes_2000Pods", cycle: true,
	about: "pods that refuse a node with a pod like them",
	nodes: 5000, before: []batch{like(1000, green, notWithGreen)}, measured: like(2000, green, notWithGreen),
	holds: []constraint{onePerNode},
}, {
	name: "preferred-pod-affinity", like: "SchedulingPreferredPodAffinity/5000Nodes", cycle: true,
	about: "pods that prefer a node with a pod like them",
	nodes: 5000, before: []batch{like(5000, red, ratherWithRed)}, measured: like(1000, red, ratherWithRed),
}, {
	name: "preferred-pod-anti-affinity", like: "SchedulingPreferredPodAntiAffinity/5000Nodes", cycle: true,
	about: "pods that prefer a node without a pod like them",
	nodes: 5000, before: []batch{like(5000, yellow, ratherNotWithYellow)}, measured: like(1000, yellow, ratherNotWithYellow),
}, {
	name: "spread", like: "TopologySpreading/5000Nodes_5000Pods", cycle: true,
	about: "pods that must be spread over three zones",
	nodes: 5000, zones: threeZones, before: []batch{like(5000)}, measured: like(5000, blue, spread),
	holds: []constraint{evenly},
}, {
	name: "preferred-spread", like: "PreferredTopologySpreading/5000Nodes_5000Pods", cycle: true,
	about: "pods that should be spread over three zones",
	nodes: 5000, zones: threeZones, before: []batch{like(5000)}, measured: like(5000, blue, ratherSpread),
}, {
	name: "preemption", like: "PreemptionBasic/1000Nodes",
	about: "pods that fit only where less important ones make room",
	nodes: 1000, before: []batch{like(4000, filling)}, measured: like(1000, important), fills: true, preempts: true,
}, {
	name: "gang", like: "GangScheduling/5000Nodes_3Gangs_3000Pods_1000PerGroup",
	about: "three groups of 1,000 pods, each placed as a whole or not at all",
	nodes: 5000, before: []batch{like(1000)}, measured: like(3000, small), gang: 1000,
	gates: map[string]bool{genericWorkload: true},
}, {
	name: "churn", like: "SchedulingWithMixedChurn/5000Nodes_10000Pods",
	about: "plain pods, while a node, a service and a pod that fits nowhere come and go",
	nodes: 5000, before: []batch{like(1000)}, measured: like(10000), churn: true,
}}

// sized returns the workload at the size that was asked for.
func (w workload) sized(s settings) workload {
	scaled := func(n int, factor float64) int { return max(1, int(math.Round(float64(n)*factor))) }
	share := s.scale
	if s.nodes > 0 {
		share = float64(s.nodes) / float64(w.nodes)
	}
	w.nodes = scaled(w.nodes, share)
	before := make([]batch, len(w.before))
	for i, b := range w.before {
		b.pods = scaled(b.pods, share)
		before[i] = b
	}
	w.before = before
	all := w.measured.pods
	w.measured.pods = scaled(all, s.scale)
	if s.pods > 0 {
		w.measured.pods = s.pods
	}
	if w.gang > 0 {
		groups := all / w.gang
		w.gang = max(1, w.measured.pods/groups)
		w.measured.pods = groups * w.gang
	}
	return w
}
