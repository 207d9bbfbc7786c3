package kubeletconfig

// refusal is why this node does not obey a field.
type refusal struct {
	why string
	// also are values that are no refusal, beside the kubelet's default: they are what this node does.
	also []any
}

// The reasons of several fields.
const (
	noIPTables   = "its network is made of nftables, without chains of a kubelet"
	noGroups     = "pods' control groups are where the node's own directory and runtime have them"
	memoryQoS    = "it protects no memory of pods"
	loggedByFlag = "what the log says is chosen with --v"
)

// refusals are the fields that this node does not obey, by their paths.
var refusals = map[string]refusal{
	"runOnce": {why: "it runs pods until it is stopped"},

	"podLogsDir":    {why: "the logs of pods are in the node's own directory"},
	"syncFrequency": {why: "the loop of a pod runs when something changes, and looks at volumes each minute"},
	"podCIDR":       {why: "the cluster says which addresses the node's pods have"},
	"hairpinMode":   {why: "its network always lets a pod reach itself through a Service", also: []any{"hairpin-veth"}},

	"readOnlyPort":                     {why: "nobody may ask it anything without being known"},
	"authentication.webhook.enabled":   {why: "clients are known by certificates and by tokens"},
	"authentication.anonymous.enabled": {why: "nobody may ask it anything without being known"},
	"authorization.mode":               {why: "what a client may do is always asked of the API server"},
	"enableDebugFlagsHandler":          {why: "it has no flags that can be changed while it runs", also: []any{false}},
	"enableContentionProfiling":        {why: "contention is profiled for all of the process or not at all"},
	"streamingConnectionIdleTimeout":   {why: "streams are the container runtime's, which has a limit of its own"},
	"showHiddenMetricsForVersion":      {why: "it hides no metrics"},
	"logging":                          {why: loggedByFlag},
	"tracing":                          {why: "spans are sent where OTEL_EXPORTER_OTLP_ENDPOINT says"},
	"contentType":                      {why: "each client asks for what its kinds can be sent as"},
	"featureGates":                     {why: "it has no gates: what a kubelet does by default is on"},

	"imagePullCredentialsVerificationPolicy": {why: "it does not verify again who may use an image that is there", also: []any{"NeverVerify"}},
	"preloadedImagesVerificationAllowlist":   {why: "it does not verify again who may use an image that is there"},
	"imageServiceEndpoint":                   {why: "images are asked of the container runtime"},

	"oomScoreAdj":          {why: "it leaves its own OOM score to who starts it"},
	"maxOpenFiles":         {why: "it has as many as who starts it allows"},
	"singleProcessOOMKill": {why: "the container runtime says what is killed"},

	"volumeStatsAggPeriod":                      {why: "volumes are measured when somebody asks"},
	"volumePluginDir":                           {why: "it runs no FlexVolume plugins"},
	"configMapAndSecretChangeDetectionStrategy": {why: "what pods refer to is always watched"},
	"enableControllerAttachDetach":              {why: "volumes are attached by a controller"},
	"localStorageCapacityIsolation":             {why: "it always limits local storage"},

	"kubeletCgroups":          {why: noGroups},
	"systemCgroups":           {why: noGroups},
	"cgroupRoot":              {why: noGroups},
	"cgroupsPerQOS":           {why: "pods always have control groups"},
	"cgroupDriver":            {why: "it writes control groups itself (cgroupfs)"},
	"qosReserved":             {why: "it reserves nothing by class"},
	"cpuCFSQuota":             {why: "limits of CPU are always enforced"},
	"cpuCFSQuotaPeriod":       {why: "limits of CPU are enforced by periods of 100ms"},
	"protectKernelDefaults":   {why: "it changes no parameters of the kernel but those that pods ask for"},
	"memorySwap.swapBehavior": {why: "it says nothing of swap to the container runtime"},
	"defaultPodSysctls":       {why: "the feature is off by default"},

	"makeIPTablesUtilChains": {why: noIPTables, also: []any{false}},
	"iptablesMasqueradeBit":  {why: noIPTables},
	"iptablesDropBit":        {why: noIPTables},

	"kernelMemcgNotification": {why: "memory is looked at every ten seconds, and the kernel is not asked to tell"},

	"memoryThrottlingFactor":  {why: memoryQoS},
	"memoryReservationPolicy": {why: memoryQoS},

	"containerLogMaxWorkers": {why: "logs are rotated one after the other"},
}
