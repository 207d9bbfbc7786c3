package resourcequota

import (
	"fmt"
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	upstreamquota "k8s.io/apiserver/pkg/quota/v1"
	"k8s.io/apiserver/pkg/quota/v1/generic"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/kubernetes/pkg/quota/v1/evaluator/core"
	testingclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	"pgregory.net/rapid"
)

// TestUsageIsThatOfKubernetes has Kubernetes' own evaluators count random pods, claims, Services and ConfigMaps for random quotas.
func TestUsageIsThatOfKubernetes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		quota, w := drawQuota(t), drawWorld(t)
		want, err := upstreamquota.CalculateUsage("default", quota.Spec.Scopes, quota.Spec.Hard, upstreamRegistry(w), quota.Spec.ScopeSelector)
		if err != nil {
			t.Fatal(err)
		}
		got := used(quota, w, gen.Now)
		for name := range quota.Spec.Hard {
			gotten, some := got[name]
			wanted, counted := want[name]
			if some != counted || gotten.Cmp(wanted) != 0 {
				t.Errorf("used %s is %s (%t), in Kubernetes %s (%t)", name, gotten.String(), some, wanted.String(), counted)
			}
		}
	})
}

// upstreamRegistry has Kubernetes' evaluators of what a world holds.
func upstreamRegistry(w world) upstreamquota.Registry {
	var podList, serviceList, claimList, configMapList []runtime.Object
	for i := range w.pods {
		podList = append(podList, (*corev1.Pod)(&w.pods[i]))
	}
	for i := range w.services {
		serviceList = append(serviceList, (*corev1.Service)(&w.services[i]))
	}
	for i := range w.claims {
		claimList = append(claimList, (*corev1.PersistentVolumeClaim)(&w.claims[i]))
	}
	for i := range w.objects[configMaps] {
		configMapList = append(configMapList, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: fmt.Sprint(i)}})
	}
	of := func(objs []runtime.Object) upstreamquota.ListerForResourceFunc {
		return func(gvr schema.GroupVersionResource) (toolscache.GenericLister, error) {
			indexer := toolscache.NewIndexer(toolscache.MetaNamespaceKeyFunc, toolscache.Indexers{toolscache.NamespaceIndex: toolscache.MetaNamespaceIndexFunc})
			for _, obj := range objs {
				if err := indexer.Add(obj); err != nil {
					return nil, err
				}
			}
			return toolscache.NewGenericLister(indexer, gvr.GroupResource()), nil
		}
	}
	counted := generic.ListResourceUsingListerFunc(of(configMapList), corev1.SchemeGroupVersion.WithResource("configmaps"))
	return generic.NewRegistry([]upstreamquota.Evaluator{
		core.NewPodEvaluator(of(podList), testingclock.NewFakeClock(gen.Now)),
		core.NewServiceEvaluator(of(serviceList)),
		core.NewPersistentVolumeClaimEvaluator(of(claimList)),
		generic.NewObjectCountEvaluator(configMaps, counted, corev1.ResourceConfigMaps),
	})
}

var configMaps = schema.GroupResource{Resource: "configmaps"}

// limitable are names that the API server lets a quota limit, and some that nobody counts.
var limitable = []corev1.ResourceName{
	"pods", "count/pods", "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.ephemeral-storage",
	"limits.cpu", "limits.memory", "limits.ephemeral-storage", "hugepages-2Mi", "requests.hugepages-2Mi", "limits.hugepages-2Mi",
	"requests.example.com/gpu", "limits.example.com/gpu", "example.com/gpu", "requests.deviceclass.resource.kubernetes.io/fast",
	"requests.kubernetes.io/gpu", "services", "count/services", "services.nodeports", "services.loadbalancers",
	"persistentvolumeclaims", "count/persistentvolumeclaims", "requests.storage", "storage",
	"gold.storageclass.storage.k8s.io/requests.storage", "gold.storageclass.storage.k8s.io/persistentvolumeclaims",
	"silver.storageclass.storage.k8s.io/requests.storage", "gold.storageclass.storage.k8s.io/storage", "configmaps", "count/configmaps",
}

func drawQuota(t *rapid.T) *corev1.ResourceQuota {
	quota := quotaOf("limits", limitable...)
	quota.Spec.Scopes = rapid.SliceOfN(rapid.SampledFrom([]corev1.ResourceQuotaScope{
		corev1.ResourceQuotaScopeTerminating, corev1.ResourceQuotaScopeNotTerminating, corev1.ResourceQuotaScopeBestEffort,
		corev1.ResourceQuotaScopeNotBestEffort, corev1.ResourceQuotaScopeCrossNamespacePodAffinity,
		corev1.ResourceQuotaScopePriorityClass, corev1.ResourceQuotaScopeVolumeAttributesClass,
	}), 0, 2).Draw(t, "scopes")
	if rapid.IntRange(0, 2).Draw(t, "selector") == 0 {
		quota.Spec.ScopeSelector = &corev1.ScopeSelector{MatchExpressions: []corev1.ScopedResourceSelectorRequirement{drawScope(t)}}
	}
	return quota
}

func drawScope(t *rapid.T) corev1.ScopedResourceSelectorRequirement {
	scope := corev1.ScopedResourceSelectorRequirement{
		ScopeName: rapid.SampledFrom([]corev1.ResourceQuotaScope{
			corev1.ResourceQuotaScopePriorityClass, corev1.ResourceQuotaScopeVolumeAttributesClass}).Draw(t, "scope"),
		Operator: rapid.SampledFrom([]corev1.ScopeSelectorOperator{
			corev1.ScopeSelectorOpExists, corev1.ScopeSelectorOpDoesNotExist, corev1.ScopeSelectorOpIn, corev1.ScopeSelectorOpNotIn}).Draw(t, "operator"),
	}
	if scope.Operator == corev1.ScopeSelectorOpIn || scope.Operator == corev1.ScopeSelectorOpNotIn {
		scope.Values = rapid.SliceOfN(rapid.SampledFrom([]string{"gold", "silver"}), 1, 2).Draw(t, "values")
	}
	return scope
}

func drawWorld(t *rapid.T) world {
	w := world{objects: map[schema.GroupResource]int{configMaps: rapid.IntRange(0, 3).Draw(t, "configmaps")}}
	for i := range rapid.IntRange(0, 3).Draw(t, "pods") {
		w.pods = append(w.pods, *drawPod(t, fmt.Sprint(i)))
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "services") {
		w.services = append(w.services, *drawService(t, fmt.Sprint(i)))
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "claims") {
		w.claims = append(w.claims, *drawClaim(t, fmt.Sprint(i)))
	}
	return w
}

func maybe[T any](t *rapid.T, label string, values ...T) *T {
	if i := rapid.IntRange(0, len(values)).Draw(t, label); i > 0 {
		return &values[i-1]
	}
	return nil
}

func drawPod(t *rapid.T, name string) *ocorev1.Pod {
	pod := gen.Pod(name)
	spec := &pod.Spec
	spec.Containers = nil
	for i := range rapid.IntRange(1, 2).Draw(t, "containers") {
		spec.Containers = append(spec.Containers, drawContainer(t, fmt.Sprint("c", i)))
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "init containers") {
		container := drawContainer(t, fmt.Sprint("i", i))
		container.RestartPolicy = maybe(t, "sidecar", corev1.ContainerRestartPolicyAlways)
		spec.InitContainers = append(spec.InitContainers, container)
	}
	if rapid.Bool().Draw(t, "pod level") {
		spec.Resources = ptr.To(drawResources(t, []corev1.ResourceName{"cpu", "memory", "hugepages-2Mi"}))
	}
	if rapid.IntRange(0, 3).Draw(t, "overhead") == 0 {
		spec.Overhead = drawResources(t, []corev1.ResourceName{"cpu", "memory"}).Requests
	}
	spec.ActiveDeadlineSeconds = maybe[int64](t, "deadline", 0, 10)
	spec.PriorityClassName = ptr.Deref(maybe(t, "priority", "gold", "bronze"), "")
	spec.Affinity = drawAffinity(t)
	pod.Status.Phase = rapid.SampledFrom([]corev1.PodPhase{"", corev1.PodPending, corev1.PodRunning, corev1.PodSucceeded, corev1.PodFailed}).Draw(t, "phase")
	if rapid.IntRange(0, 3).Draw(t, "told") == 0 {
		pod.Status.QOSClass = rapid.SampledFrom([]corev1.PodQOSClass{corev1.PodQOSBestEffort, corev1.PodQOSBurstable}).Draw(t, "QoS")
	}
	if ago := maybe(t, "deleted", -time.Minute, 10*time.Second, 30*time.Second, time.Hour); ago != nil {
		pod.DeletionTimestamp = ptr.To(gen.Ago(*ago))
		pod.DeletionGracePeriodSeconds = maybe[int64](t, "grace", 0, 30)
	}
	for _, container := range spec.Containers {
		if rapid.IntRange(0, 2).Draw(t, "resized") == 0 {
			resources := drawResources(t, []corev1.ResourceName{"cpu", "memory"})
			pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{
				Name: container.Name, AllocatedResources: resources.Requests, Resources: &resources,
			})
		}
	}
	return pod
}

func drawAffinity(t *rapid.T) *corev1.Affinity {
	term := corev1.PodAffinityTerm{Namespaces: rapid.SliceOfN(rapid.Just("other"), 0, 1).Draw(t, "namespaces")}
	term.NamespaceSelector = maybe(t, "namespace selector", metav1.LabelSelector{})
	weighted := corev1.WeightedPodAffinityTerm{PodAffinityTerm: term}
	return ptr.Deref(maybe(t, "affinity",
		&corev1.Affinity{},
		&corev1.Affinity{PodAffinity: &corev1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{term}}},
		&corev1.Affinity{PodAffinity: &corev1.PodAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{weighted}}},
		&corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{term}}},
		&corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{weighted}}},
	), nil)
}

func drawContainer(t *rapid.T, name string) corev1.Container {
	return corev1.Container{Name: name, Resources: drawResources(t, []corev1.ResourceName{
		"cpu", "memory", "ephemeral-storage", "hugepages-2Mi", "example.com/gpu", "deviceclass.resource.kubernetes.io/fast"})}
}

func drawResources(t *rapid.T, names []corev1.ResourceName) corev1.ResourceRequirements {
	list := func(label string) corev1.ResourceList {
		resources := corev1.ResourceList{}
		for _, name := range names {
			if n := maybe(t, label+" "+string(name), "0", "1", "1500m", "64Mi"); n != nil {
				resources[name] = resource.MustParse(*n)
			}
		}
		return resources
	}
	if rapid.IntRange(0, 2).Draw(t, "none") == 0 {
		return corev1.ResourceRequirements{}
	}
	return corev1.ResourceRequirements{Requests: list("request"), Limits: list("limit")}
}

func drawService(t *rapid.T, name string) *ocorev1.Service {
	service := gen.Service(name)
	service.Spec.Type = rapid.SampledFrom([]corev1.ServiceType{
		"", corev1.ServiceTypeClusterIP, corev1.ServiceTypeNodePort, corev1.ServiceTypeLoadBalancer, corev1.ServiceTypeExternalName}).Draw(t, "type")
	service.Spec.Ports = nil
	for range rapid.IntRange(0, 3).Draw(t, "ports") {
		service.Spec.Ports = append(service.Spec.Ports, corev1.ServicePort{NodePort: rapid.SampledFrom([]int32{0, 30000}).Draw(t, "node port")})
	}
	service.Spec.AllocateLoadBalancerNodePorts = maybe(t, "allocate", true, false)
	return service
}

func drawClaim(t *rapid.T, name string) *ocorev1.PersistentVolumeClaim {
	claim := gen.PersistentVolumeClaim(name)
	claim.Spec.StorageClassName = maybe(t, "class", "", "gold", "silver")
	if class := maybe(t, "annotated class", "", "gold"); class != nil {
		claim.Annotations = map[string]string{corev1.BetaStorageClassAnnotation: *class}
	}
	claim.Spec.Resources.Requests = nil
	if size := maybe(t, "storage", "1Gi", "1500m", "0"); size != nil {
		claim.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(*size)}
	}
	if size := maybe(t, "allocated", "2Gi", "2500m", "1"); size != nil {
		claim.Status.AllocatedResources = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(*size)}
	}
	claim.Spec.VolumeAttributesClassName = maybe(t, "attributes class", "", "gold")
	claim.Status.CurrentVolumeAttributesClassName = maybe(t, "current attributes class", "", "silver")
	if target := maybe(t, "target", "", "gold", "bronze"); target != nil {
		claim.Status.ModifyVolumeStatus = &corev1.ModifyVolumeStatus{TargetVolumeAttributesClassName: *target}
	}
	return claim
}
