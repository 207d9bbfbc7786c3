package admission

import (
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// rule says what becomes of a field of the Pod API on this node. One of these is set.
type rule struct {
	// obeyed is the file of the node agent that obeys it, and names it.
	obeyed string
	// by is what obeys it there, where that is no field of its name.
	by string
	// refusedPod and refusedContainer ask for what is refused.
	refusedPod       func(*corev1.PodSpec)
	refusedContainer func(*corev1.Container)
	// others is whose business it is.
	others string
	// below: the rule is about all fields below this one, those of later versions too. None of them can be obeyed by it.
	below bool
}

func obeyed(file string) rule                        { return rule{obeyed: file} }
func others(who string) rule                         { return rule{others: who, below: true} }
func refused(ask func(*corev1.PodSpec)) rule         { return rule{refusedPod: ask, below: true} }
func refusedOf(ask func(*corev1.Container)) rule     { return rule{refusedContainer: ask, below: true} }
func refusedVolume(source corev1.VolumeSource) rule  { return refused(withVolume(source)) }
func refusedProbe(action *corev1.HTTPGetAction) rule { return refusedOf(withProbe(action)) }

func withVolume(source corev1.VolumeSource) func(*corev1.PodSpec) {
	return func(s *corev1.PodSpec) { s.Volumes = []corev1.Volume{{Name: "v", VolumeSource: source}} }
}

func withProbe(action *corev1.HTTPGetAction) func(*corev1.Container) {
	return func(c *corev1.Container) {
		c.LivenessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: action}}
	}
}

func withMount(mount corev1.VolumeMount) func(*corev1.Container) {
	return func(c *corev1.Container) { c.VolumeMounts = []corev1.VolumeMount{mount} }
}

const (
	scheduler  = "the scheduler"
	server     = "the API server, which has done what it asks for before the pod is here"
	elsewhere  = "nodes of another operating system"
	nobody     = "nobody: a hook by TCP fails when it is run, as on any kubelet"
	collective = "the controllers"
)

var (
	owner      = ptr.To[int64](7)
	ownedItems = []corev1.KeyToPath{{Key: "k", Path: "p", User: owner}}
	ownedField = []corev1.DownwardAPIVolumeFile{{Path: "p", User: owner}}
	refusedUID = map[string]rule{
		".volumes[].configMap.defaultUser":                        refusedVolume(corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{DefaultUser: owner}}),
		".volumes[].configMap.items[].user":                       refusedVolume(corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{Items: ownedItems}}),
		".volumes[].secret.defaultUser":                           refusedVolume(corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{DefaultUser: owner}}),
		".volumes[].secret.items[].user":                          refusedVolume(corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{Items: ownedItems}}),
		".volumes[].downwardAPI.defaultUser":                      refusedVolume(corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{DefaultUser: owner}}),
		".volumes[].downwardAPI.items[].user":                     refusedVolume(corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{Items: ownedField}}),
		".volumes[].projected.defaultUser":                        refusedVolume(corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{DefaultUser: owner}}),
		".volumes[].projected.sources[].configMap.items[].user":   refusedProjection(corev1.VolumeProjection{ConfigMap: &corev1.ConfigMapProjection{Items: ownedItems}}),
		".volumes[].projected.sources[].secret.items[].user":      refusedProjection(corev1.VolumeProjection{Secret: &corev1.SecretProjection{Items: ownedItems}}),
		".volumes[].projected.sources[].downwardAPI.items[].user": refusedProjection(corev1.VolumeProjection{DownwardAPI: &corev1.DownwardAPIProjection{Items: ownedField}}),
		".volumes[].projected.sources[].serviceAccountToken.user": refusedProjection(corev1.VolumeProjection{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{User: owner}}),
		".volumes[].projected.sources[].clusterTrustBundle.user":  refusedProjection(corev1.VolumeProjection{ClusterTrustBundle: &corev1.ClusterTrustBundleProjection{User: owner}}),
		".volumes[].projected.sources[].podCertificate.user":      refusedProjection(corev1.VolumeProjection{PodCertificate: &corev1.PodCertificateProjection{User: owner}}),
	}
)

func refusedProjection(source corev1.VolumeProjection) rule {
	return refusedVolume(corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{source}}})
}

// fields are the rules of all fields.
var fields = withVolumes(known, refusedUID)

// known are rules by the field. The lists of containers are one list here, and so are the three probes and the two hooks.
var known = map[string]rule{
	// Of the pod.
	".activeDeadlineSeconds":              obeyed("pods/plan.go"),
	".affinity":                           others(scheduler),
	".automountServiceAccountToken":       others(server),
	".dnsConfig.nameservers[]":            obeyed("host/dns.go"),
	".dnsConfig.options[].name":           obeyed("host/dns.go"),
	".dnsConfig.options[].value":          obeyed("host/dns.go"),
	".dnsConfig.searches[]":               obeyed("host/dns.go"),
	".dnsPolicy":                          obeyed("host/dns.go"),
	".enableServiceLinks":                 obeyed("env/services.go"),
	".evictionResponders":                 others(collective),
	".hostAliases[].hostnames[]":          obeyed("host/files.go"),
	".hostAliases[].ip":                   obeyed("host/files.go"),
	".hostIPC":                            obeyed("host/sandbox.go"),
	".hostNetwork":                        obeyed("host/sandbox.go"),
	".hostPID":                            obeyed("host/sandbox.go"),
	".hostUsers":                          obeyed("host/users.go"),
	".hostname":                           obeyed("host/sandbox.go"),
	".hostnameOverride":                   obeyed("host/sandbox.go"),
	".imagePullSecrets[].name":            obeyed("host/credentials.go"),
	".nodeName":                           others(scheduler),
	".nodeSelector":                       others(scheduler),
	".os.name":                            obeyed("admission/machine.go"),
	".overhead":                           {obeyed: "cgroups/resources.go", by: "PodRequests"},
	".preemptionPolicy":                   others(scheduler),
	".priority":                           others(scheduler),
	".priorityClassName":                  others(server),
	".readinessGates[].conditionType":     obeyed("status/conditions.go"),
	".resourceClaims[].name":              obeyed("claims/prepare.go"),
	".resourceClaims[].resourceClaimName": {obeyed: "claims/prepare.go", by: "Name"},
	".resourceClaims[].resourceClaimTemplateName": {obeyed: "claims/prepare.go", by: "Name"},
	".resources.claims": refused(func(s *corev1.PodSpec) {
		s.Resources = &corev1.ResourceRequirements{Claims: []corev1.ResourceClaim{{Name: "c"}}}
	}),
	".resources.limits":              obeyed("pods/amounts.go"),
	".resources.requests":            obeyed("status/qos.go"),
	".restartPolicy":                 obeyed("restart/policy.go"),
	".runtimeClassName":              obeyed("host/host.go"),
	".schedulerName":                 others(scheduler),
	".schedulingGates":               others(scheduler),
	".schedulingGroup":               others(scheduler),
	".serviceAccount":                others(server),
	".serviceAccountName":            obeyed("objects/tokens.go"),
	".setHostnameAsFQDN":             obeyed("host/sandbox.go"),
	".shareProcessNamespace":         obeyed("host/sandbox.go"),
	".subdomain":                     obeyed("host/files.go"),
	".terminationGracePeriodSeconds": obeyed("pods/world.go"),
	".tolerations":                   others(scheduler),
	".topologySpreadConstraints":     others(scheduler),

	".securityContext.appArmorProfile.localhostProfile": obeyed("host/apparmor.go"),
	".securityContext.appArmorProfile.type":             obeyed("host/apparmor.go"),
	".securityContext.fsGroup":                          obeyed("host/sandbox.go"),
	".securityContext.fsGroupChangePolicy":              obeyed("volumes/group.go"),
	".securityContext.runAsGroup":                       obeyed("host/sandbox.go"),
	".securityContext.runAsNonRoot":                     obeyed("host/security.go"),
	".securityContext.runAsUser":                        obeyed("host/sandbox.go"),
	".securityContext.seLinuxChangePolicy":              others("volumes that are mounted with a label, of which this node has none"),
	".securityContext.seLinuxOptions.level":             obeyed("host/sandbox.go"),
	".securityContext.seLinuxOptions.role":              obeyed("host/sandbox.go"),
	".securityContext.seLinuxOptions.type":              obeyed("host/sandbox.go"),
	".securityContext.seLinuxOptions.user":              obeyed("host/sandbox.go"),
	".securityContext.seccompProfile.localhostProfile":  obeyed("host/security.go"),
	".securityContext.seccompProfile.type":              obeyed("host/security.go"),
	".securityContext.supplementalGroupsPolicy":         obeyed("host/sandbox.go"),
	".securityContext.supplementalGroups[]":             obeyed("host/sandbox.go"),
	".securityContext.sysctls[].name":                   obeyed("host/sandbox.go"),
	".securityContext.sysctls[].value":                  obeyed("host/sandbox.go"),
	".securityContext.windowsOptions":                   others(elsewhere),

	// Of containers.
	".containers[].args[]":                                           obeyed("host/container.go"),
	".containers[].command[]":                                        obeyed("host/container.go"),
	".containers[].env[].name":                                       obeyed("env/env.go"),
	".containers[].env[].value":                                      obeyed("env/env.go"),
	".containers[].env[].valueFrom.configMapKeyRef.key":              obeyed("env/env.go"),
	".containers[].env[].valueFrom.configMapKeyRef.name":             obeyed("env/env.go"),
	".containers[].env[].valueFrom.configMapKeyRef.optional":         obeyed("env/env.go"),
	".containers[].env[].valueFrom.fieldRef.apiVersion":              others(server),
	".containers[].env[].valueFrom.fieldRef.fieldPath":               obeyed("env/env.go"),
	".containers[].env[].valueFrom.fileKeyRef.key":                   obeyed("env/file.go"),
	".containers[].env[].valueFrom.fileKeyRef.optional":              obeyed("env/file.go"),
	".containers[].env[].valueFrom.fileKeyRef.path":                  obeyed("env/file.go"),
	".containers[].env[].valueFrom.fileKeyRef.volumeName":            obeyed("env/file.go"),
	".containers[].env[].valueFrom.resourceFieldRef.containerName":   obeyed("env/env.go"),
	".containers[].env[].valueFrom.resourceFieldRef.divisor":         obeyed("env/fields.go"),
	".containers[].env[].valueFrom.resourceFieldRef.resource":        obeyed("env/fields.go"),
	".containers[].env[].valueFrom.secretKeyRef.key":                 obeyed("env/env.go"),
	".containers[].env[].valueFrom.secretKeyRef.name":                obeyed("env/env.go"),
	".containers[].env[].valueFrom.secretKeyRef.optional":            obeyed("env/env.go"),
	".containers[].envFrom[].configMapRef.name":                      obeyed("env/env.go"),
	".containers[].envFrom[].configMapRef.optional":                  obeyed("env/env.go"),
	".containers[].envFrom[].prefix":                                 obeyed("env/env.go"),
	".containers[].envFrom[].secretRef.name":                         obeyed("env/env.go"),
	".containers[].envFrom[].secretRef.optional":                     obeyed("env/env.go"),
	".containers[].image":                                            obeyed("pods/image.go"),
	".containers[].imagePullPolicy":                                  obeyed("pods/image.go"),
	".containers[].lifecycle.stopSignal":                             obeyed("host/container.go"),
	".containers[].name":                                             obeyed("host/container.go"),
	".containers[].ports[].containerPort":                            obeyed("host/sandbox.go"),
	".containers[].ports[].hostIP":                                   obeyed("host/sandbox.go"),
	".containers[].ports[].hostPort":                                 obeyed("host/sandbox.go"),
	".containers[].ports[].name":                                     obeyed("probes/network.go"),
	".containers[].ports[].protocol":                                 obeyed("host/sandbox.go"),
	".containers[].resizePolicy[].resourceName":                      obeyed("pods/amounts.go"),
	".containers[].resizePolicy[].restartPolicy":                     obeyed("pods/amounts.go"),
	".containers[].resources.claims[].name":                          obeyed("claims/manager.go"),
	".containers[].resources.claims[].request":                       obeyed("claims/manager.go"),
	".containers[].resources.limits":                                 obeyed("pods/amounts.go"),
	".containers[].resources.requests":                               obeyed("pods/amounts.go"),
	".containers[].restartPolicy":                                    obeyed("restart/policy.go"),
	".containers[].restartPolicyRules[].action":                      obeyed("restart/policy.go"),
	".containers[].restartPolicyRules[].exitCodes.operator":          obeyed("restart/policy.go"),
	".containers[].restartPolicyRules[].exitCodes.values[]":          obeyed("restart/policy.go"),
	".containers[].securityContext.allowPrivilegeEscalation":         obeyed("host/security.go"),
	".containers[].securityContext.appArmorProfile.localhostProfile": obeyed("host/apparmor.go"),
	".containers[].securityContext.appArmorProfile.type":             obeyed("host/apparmor.go"),
	".containers[].securityContext.capabilities.add[]":               obeyed("host/security.go"),
	".containers[].securityContext.capabilities.drop[]":              obeyed("host/security.go"),
	".containers[].securityContext.privileged":                       obeyed("host/sandbox.go"),
	".containers[].securityContext.procMount":                        obeyed("host/security.go"),
	".containers[].securityContext.readOnlyRootFilesystem":           obeyed("host/security.go"),
	".containers[].securityContext.runAsGroup":                       obeyed("host/security.go"),
	".containers[].securityContext.runAsNonRoot":                     obeyed("host/security.go"),
	".containers[].securityContext.runAsUser":                        obeyed("host/security.go"),
	".containers[].securityContext.seLinuxOptions.level":             obeyed("host/sandbox.go"),
	".containers[].securityContext.seLinuxOptions.role":              obeyed("host/sandbox.go"),
	".containers[].securityContext.seLinuxOptions.type":              obeyed("host/sandbox.go"),
	".containers[].securityContext.seLinuxOptions.user":              obeyed("host/sandbox.go"),
	".containers[].securityContext.seccompProfile.localhostProfile":  obeyed("host/security.go"),
	".containers[].securityContext.seccompProfile.type":              obeyed("host/security.go"),
	".containers[].securityContext.windowsOptions":                   others(elsewhere),
	".containers[].stdin":                                            obeyed("host/container.go"),
	".containers[].stdinOnce":                                        obeyed("host/container.go"),
	".containers[].targetContainerName":                              obeyed("pods/step_start.go"),
	".containers[].terminationMessagePath":                           obeyed("host/mounts.go"),
	".containers[].terminationMessagePolicy":                         obeyed("host/container.go"),
	".containers[].tty":                                              obeyed("host/container.go"),
	".containers[].volumeDevices[].devicePath":                       obeyed("host/mounts.go"),
	".containers[].volumeDevices[].name":                             obeyed("host/mounts.go"),
	".containers[].volumeMounts[].bindMountOptions":                  refusedOf(withMount(corev1.VolumeMount{BindMountOptions: []string{"noexec"}})),
	".containers[].volumeMounts[].mountPath":                         obeyed("host/mounts.go"),
	".containers[].volumeMounts[].mountPropagation":                  obeyed("host/mounts.go"),
	".containers[].volumeMounts[].name":                              obeyed("host/mounts.go"),
	".containers[].volumeMounts[].readOnly":                          obeyed("host/mounts.go"),
	".containers[].volumeMounts[].recursiveReadOnly":                 obeyed("host/mounts.go"),
	".containers[].volumeMounts[].subPath":                           obeyed("host/mounts.go"),
	".containers[].volumeMounts[].subPathExpr":                       obeyed("host/mounts.go"),
	".containers[].workingDir":                                       obeyed("host/container.go"),

	".containers[].probe.exec.command[]":                obeyed("probes/network.go"),
	".containers[].probe.failureThreshold":              obeyed("probes/verdict.go"),
	".containers[].probe.grpc.mode":                     obeyed("probes/network.go"),
	".containers[].probe.grpc.port":                     obeyed("probes/network.go"),
	".containers[].probe.grpc.service":                  obeyed("probes/network.go"),
	".containers[].probe.httpGet.host":                  obeyed("probes/network.go"),
	".containers[].probe.httpGet.httpHeaders[].name":    obeyed("probes/network.go"),
	".containers[].probe.httpGet.httpHeaders[].value":   obeyed("probes/network.go"),
	".containers[].probe.httpGet.path":                  obeyed("probes/network.go"),
	".containers[].probe.httpGet.port":                  obeyed("probes/network.go"),
	".containers[].probe.httpGet.protocol":              refusedProbe(&corev1.HTTPGetAction{Protocol: ptr.To(corev1.HTTPProtocolHTTP2)}),
	".containers[].probe.httpGet.scheme":                obeyed("probes/network.go"),
	".containers[].probe.initialDelaySeconds":           obeyed("probes/verdict.go"),
	".containers[].probe.periodSeconds":                 obeyed("probes/verdict.go"),
	".containers[].probe.successThreshold":              obeyed("probes/verdict.go"),
	".containers[].probe.tcpSocket.host":                obeyed("probes/network.go"),
	".containers[].probe.tcpSocket.port":                obeyed("probes/network.go"),
	".containers[].probe.terminationGracePeriodSeconds": obeyed("pods/plan_kill.go"),
	".containers[].probe.timeoutSeconds":                obeyed("probes/verdict.go"),

	".containers[].lifecycle.hook.exec.command[]":              obeyed("probes/hooks.go"),
	".containers[].lifecycle.hook.httpGet.host":                obeyed("probes/network.go"),
	".containers[].lifecycle.hook.httpGet.httpHeaders[].name":  obeyed("probes/network.go"),
	".containers[].lifecycle.hook.httpGet.httpHeaders[].value": obeyed("probes/network.go"),
	".containers[].lifecycle.hook.httpGet.path":                obeyed("probes/network.go"),
	".containers[].lifecycle.hook.httpGet.port":                obeyed("probes/network.go"),
	".containers[].lifecycle.hook.httpGet.protocol": refusedOf(func(c *corev1.Container) {
		c.Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{HTTPGet: &corev1.HTTPGetAction{Protocol: ptr.To(corev1.HTTPProtocolHTTP2)}}}
	}),
	".containers[].lifecycle.hook.httpGet.scheme": obeyed("probes/network.go"),
	".containers[].lifecycle.hook.sleep.seconds":  obeyed("probes/hooks.go"),
	".containers[].lifecycle.hook.tcpSocket":      others(nobody),

	// Of volumes.
	".volumes[].configMap.defaultMode":                                                  obeyed("volumes/content.go"),
	".volumes[].configMap.items[].key":                                                  obeyed("volumes/content.go"),
	".volumes[].configMap.items[].mode":                                                 obeyed("volumes/content.go"),
	".volumes[].configMap.items[].path":                                                 obeyed("volumes/content.go"),
	".volumes[].configMap.name":                                                         obeyed("volumes/content.go"),
	".volumes[].configMap.optional":                                                     obeyed("volumes/content.go"),
	".volumes[].csi.driver":                                                             obeyed("volumes/csi.go"),
	".volumes[].csi.fsType":                                                             obeyed("volumes/csi.go"),
	".volumes[].csi.nodePublishSecretRef.name":                                          obeyed("volumes/csi.go"),
	".volumes[].csi.readOnly":                                                           obeyed("volumes/csi.go"),
	".volumes[].csi.volumeAttributes":                                                   obeyed("volumes/csi.go"),
	".volumes[].downwardAPI.defaultMode":                                                obeyed("volumes/content.go"),
	".volumes[].downwardAPI.items[].fieldRef.apiVersion":                                others(server),
	".volumes[].downwardAPI.items[].fieldRef.fieldPath":                                 obeyed("volumes/content.go"),
	".volumes[].downwardAPI.items[].mode":                                               obeyed("volumes/content.go"),
	".volumes[].downwardAPI.items[].path":                                               obeyed("volumes/content.go"),
	".volumes[].downwardAPI.items[].resourceFieldRef.containerName":                     obeyed("volumes/content.go"),
	".volumes[].downwardAPI.items[].resourceFieldRef.divisor":                           obeyed("env/fields.go"),
	".volumes[].downwardAPI.items[].resourceFieldRef.resource":                          obeyed("env/fields.go"),
	".volumes[].emptyDir.medium":                                                        obeyed("volumes/local.go"),
	".volumes[].emptyDir.mode":                                                          refusedVolume(corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{Mode: ptr.To[int32](0o700)}}),
	".volumes[].emptyDir.sizeLimit":                                                     obeyed("eviction/storage.go"),
	".volumes[].ephemeral.volumeClaimTemplate":                                          others(collective),
	".volumes[].persistentVolumeClaim.claimName":                                        obeyed("objects/claims.go"),
	".volumes[].persistentVolumeClaim.readOnly":                                         obeyed("host/mounts.go"),
	".volumes[].image.reference":                                                        obeyed("pods/image.go"),
	".volumes[].image.pullPolicy":                                                       obeyed("pods/image.go"),
	".volumes[].hostPath.path":                                                          obeyed("volumes/local.go"),
	".volumes[].hostPath.type":                                                          obeyed("volumes/local.go"),
	".volumes[].name":                                                                   obeyed("volumes/manager.go"),
	".volumes[].projected.defaultMode":                                                  obeyed("volumes/content.go"),
	".volumes[].projected.sources[].clusterTrustBundle.labelSelector":                   obeyed("volumes/trustbundle.go"),
	".volumes[].projected.sources[].clusterTrustBundle.name":                            obeyed("volumes/trustbundle.go"),
	".volumes[].projected.sources[].clusterTrustBundle.optional":                        obeyed("volumes/trustbundle.go"),
	".volumes[].projected.sources[].clusterTrustBundle.path":                            obeyed("volumes/trustbundle.go"),
	".volumes[].projected.sources[].clusterTrustBundle.signerName":                      obeyed("volumes/trustbundle.go"),
	".volumes[].projected.sources[].configMap.items[].key":                              obeyed("volumes/content.go"),
	".volumes[].projected.sources[].configMap.items[].mode":                             obeyed("volumes/content.go"),
	".volumes[].projected.sources[].configMap.items[].path":                             obeyed("volumes/content.go"),
	".volumes[].projected.sources[].configMap.name":                                     obeyed("volumes/content.go"),
	".volumes[].projected.sources[].configMap.optional":                                 obeyed("volumes/content.go"),
	".volumes[].projected.sources[].downwardAPI.items[].fieldRef.apiVersion":            others(server),
	".volumes[].projected.sources[].downwardAPI.items[].fieldRef.fieldPath":             obeyed("volumes/content.go"),
	".volumes[].projected.sources[].downwardAPI.items[].mode":                           obeyed("volumes/content.go"),
	".volumes[].projected.sources[].downwardAPI.items[].path":                           obeyed("volumes/content.go"),
	".volumes[].projected.sources[].downwardAPI.items[].resourceFieldRef.containerName": obeyed("volumes/content.go"),
	".volumes[].projected.sources[].downwardAPI.items[].resourceFieldRef.divisor":       obeyed("env/fields.go"),
	".volumes[].projected.sources[].downwardAPI.items[].resourceFieldRef.resource":      obeyed("env/fields.go"),
	".volumes[].projected.sources[].podCertificate.certificateChainPath":                obeyed("volumes/podcertificate.go"),
	".volumes[].projected.sources[].podCertificate.credentialBundlePath":                obeyed("volumes/podcertificate.go"),
	".volumes[].projected.sources[].podCertificate.keyPath":                             obeyed("volumes/podcertificate.go"),
	".volumes[].projected.sources[].podCertificate.keyType":                             obeyed("volumes/podcertificate.go"),
	".volumes[].projected.sources[].podCertificate.maxExpirationSeconds":                obeyed("objects/podcertificates.go"),
	".volumes[].projected.sources[].podCertificate.signerName":                          obeyed("objects/podcertificates.go"),
	".volumes[].projected.sources[].podCertificate.userAnnotations":                     obeyed("objects/podcertificates.go"),
	".volumes[].projected.sources[].secret.items[].key":                                 obeyed("volumes/content.go"),
	".volumes[].projected.sources[].secret.items[].mode":                                obeyed("volumes/content.go"),
	".volumes[].projected.sources[].secret.items[].path":                                obeyed("volumes/content.go"),
	".volumes[].projected.sources[].secret.name":                                        obeyed("volumes/content.go"),
	".volumes[].projected.sources[].secret.optional":                                    obeyed("volumes/content.go"),
	".volumes[].projected.sources[].serviceAccountToken.audience":                       obeyed("volumes/token.go"),
	".volumes[].projected.sources[].serviceAccountToken.expirationSeconds":              obeyed("volumes/token.go"),
	".volumes[].projected.sources[].serviceAccountToken.path":                           obeyed("volumes/token.go"),
	".volumes[].secret.defaultMode":                                                     obeyed("volumes/content.go"),
	".volumes[].secret.items[].key":                                                     obeyed("volumes/content.go"),
	".volumes[].secret.items[].mode":                                                    obeyed("volumes/content.go"),
	".volumes[].secret.items[].path":                                                    obeyed("volumes/content.go"),
	".volumes[].secret.optional":                                                        obeyed("volumes/content.go"),
	".volumes[].secret.secretName":                                                      obeyed("volumes/content.go"),
}

// withVolumes adds rules of every kind of volume that is not supported.
func withVolumes(tables ...map[string]rule) map[string]rule {
	all := map[string]rule{}
	for _, table := range tables {
		maps.Copy(all, table)
	}
	sources := reflect.TypeFor[corev1.VolumeSource]()
	for i := range sources.NumField() {
		field := sources.Field(i)
		if slices.Contains(supportedVolumes, jsonName(field)) {
			continue
		}
		var source corev1.VolumeSource
		reflect.ValueOf(&source).Elem().Field(i).Set(reflect.New(field.Type.Elem()))
		all[".volumes[]."+jsonName(field)] = refusedVolume(source)
	}
	return all
}

func jsonName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name
}

// TestEveryFieldOfThePodAPIIsObeyedOrRefused goes over the API's type: a field that a new version adds has no rule, and fails here.
func TestEveryFieldOfThePodAPIIsObeyedOrRefused(t *testing.T) {
	used := map[string]bool{}
	visit(reflect.TypeFor[corev1.PodSpec](), "", "", func(path, goName string) {
		rule, at := ruleOf(path)
		switch used[at] = true; {
		case at == "":
			t.Errorf("spec%s: nothing says whether this node obeys or refuses it", path)
		case at != path && !rule.below:
			t.Errorf("spec%s: the rule of %s does not say anything of it", path, at)
		case rule.obeyed != "" && !names(t, rule.obeyed, cmp.Or(rule.by, goName)):
			t.Errorf("spec%s is obeyed in %s, but %s is not named there", path, rule.obeyed, goName)
		}
	})
	for path := range fields {
		if !used[path] {
			t.Errorf("there is no field spec%s", path)
		}
	}
}

func TestWhatIsNotObeyedIsRefused(t *testing.T) {
	judge := All(Features, OperatingSystem, AppArmor(false), Sysctls())
	for path, rule := range fields {
		pods := map[string]*corev1.Pod{}
		if rule.refusedPod != nil {
			pods["the pod"] = &corev1.Pod{}
			rule.refusedPod(&pods["the pod"].Spec)
		}
		if rule.refusedContainer != nil {
			one := corev1.Container{Name: "main"}
			rule.refusedContainer(&one)
			pods["a container"] = &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{one}}}
			pods["an init container"] = &corev1.Pod{Spec: corev1.PodSpec{InitContainers: []corev1.Container{one}}}
			if Container(&one) == nil {
				t.Errorf("spec%s of an ephemeral container is not refused", path)
			}
		}
		for whose, pod := range pods {
			if why := judge(pod, nil); why == nil || why.Message == "" {
				t.Errorf("spec%s of %s is not refused", path, whose)
			}
		}
	}
	if why := judge(&corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main"}}, Volumes: []corev1.Volume{{Name: "v"}}}}, nil); why != nil {
		t.Errorf("a pod that asks for nothing is refused: %v", why)
	}
}

// ruleOf is the rule of a field, or of the nearest one above it that has one.
func ruleOf(path string) (rule, string) {
	for at := path; at != ""; at = at[:max(strings.LastIndexAny(at, ".["), 0)] {
		if found, ok := fields[at]; ok {
			return found, at
		}
	}
	return rule{}, ""
}

// merged are lists and fields that are alike to the node.
var merged = strings.NewReplacer(
	".initContainers[]", ".containers[]", ".ephemeralContainers[]", ".containers[]",
	".livenessProbe", ".probe", ".readinessProbe", ".probe", ".startupProbe", ".probe",
	".lifecycle.postStart", ".lifecycle.hook", ".lifecycle.preStop", ".lifecycle.hook",
)

// visit calls a function for every field that has no fields of its own in the API's package.
func visit(kind reflect.Type, path, goName string, do func(path, goName string)) {
	switch {
	case kind.Kind() == reflect.Pointer:
		visit(kind.Elem(), path, goName, do)
	case kind.Kind() == reflect.Slice:
		visit(kind.Elem(), path+"[]", goName, do)
	case kind.Kind() != reflect.Struct || kind.PkgPath() != reflect.TypeFor[corev1.PodSpec]().PkgPath():
		do(merged.Replace(path), goName)
	default:
		for i := range kind.NumField() {
			field := kind.Field(i)
			below := path
			if name := jsonName(field); name != "" { // those of embedded structs are the outer one's
				below += "." + name
			}
			visit(field.Type, below, field.Name, do)
		}
	}
}

// names says whether a file of the node agent speaks of a field.
func names(t *testing.T, file, field string) bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", file))
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`\.` + field + `\b`).Match(text)
}
