// Package dynamicresources finds devices for the ResourceClaims of a pod, and keeps the pod away from nodes without them.
//
// A pod's claims are those that spec.resourceClaims names, those that were generated for it from templates (its status
// names them), and one that this plugin makes itself where the pod asks for extended resources which a DeviceClass stands
// for and a node does not have from a device plugin. Which devices suit a claim, the allocator of
// k8s.io/dynamic-resource-allocation decides.
//
// The way of a pod, and the files:
//
//	PreEnqueue   claims.go     waits until all its claims exist
//	PreFilter    observe.go    reads claims, classes, devices and what is taken of them
//	Filter       plan.go       makes a plan for one node out of that: which devices each claim would get
//	             extended.go   ... and the claim for extended resources there; requests.go says what that one asks for
//	Score        score.go      likes nodes where claims get what they would rather have (firstAvailable)
//	PostFilter   postfilter.go gives back devices that nobody uses and that tie a claim to a node which does not suit
//	Reserve      reserve.go    makes the chosen node's plan count, so that the next pod does not get the same devices
//	PreBind      prebind.go    writes plan and reservation (write.go), and waits until the devices are ready (binding.go)
//
// For a pod without claims everything is skipped. What it promises:
//
//   - A device is given to one claim only, unless it is shared or looked at by an administrator, also while earlier
//     decisions are being written (package dra).
//   - A pod is bound after its claims are allocated, carry the finalizer resource.kubernetes.io/delete-protection, and
//     name the pod in status.reservedFor; and after the binding conditions of their devices are true.
//   - What a failed attempt reserved or made is given back. A claim that was allocated stays so, until PostFilter finds
//     that it stands in the way.
//
// It owns status.allocation and the pod's entry in status.reservedFor of claims, the claims for extended resources, and
// status.extendedResourceClaimStatus of pods. It generates no claim from a template and prepares no device.
//
// It differs from kube-scheduler where that one's way leads to a dead end. A node that has the extended resources itself
// gets no claim for them, also when the pod has other claims (an empty claim would fail to be bound for ever). What was
// written stays known after a failure, so that its devices are not free for a moment. An answer of the API server that
// got lost, or a pod of the same group that was faster, is recognized by the allocation being the same. A claim that a pod
// names twice is allocated once.
//
// Features are those that kube-scheduler has by default; see Features. Claims of a whole PodGroup are not among them.
package dynamicresources
