package cri

// Labels on sandboxes and containers. All but LabelAgent are the kubelet's.
const (
	LabelPodName       = "io.kubernetes.pod.name"
	LabelPodNamespace  = "io.kubernetes.pod.namespace"
	LabelPodUID        = "io.kubernetes.pod.uid"
	LabelContainerName = "io.kubernetes.container.name"

	// LabelAgent holds the name of the node whose agent made the sandbox. Agents touch nothing that carries another's.
	LabelAgent = "orrery.dev/agent"
)

// Annotations on containers, in the kubelet's format. With them an agent can stop a container whose pod it has never seen.
const (
	AnnotationHash                     = "io.kubernetes.container.hash"
	AnnotationRestartCount             = "io.kubernetes.container.restartCount"
	AnnotationTerminationMessagePath   = "io.kubernetes.container.terminationMessagePath"
	AnnotationTerminationMessagePolicy = "io.kubernetes.container.terminationMessagePolicy"
	AnnotationTerminationGracePeriod   = "io.kubernetes.pod.terminationGracePeriod"
	AnnotationPreStop                  = "io.kubernetes.container.preStopHandler"
)

// Annotations of the agent's own, by which what was given outlives it.
const (
	// AnnotationAllocation is on a sandbox, and holds the requests and limits that its pod was allocated when it was made.
	AnnotationAllocation = "orrery.dev/allocation"
	// AnnotationResources is on a container, and holds the requests and limits that it was made with.
	AnnotationResources = "orrery.dev/resources"
)
