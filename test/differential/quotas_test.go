package differential

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var quotaSubject = subject{
	name: "ResourceQuota",
	start: func(s *scenario) {
		s.do(s.quota())
		if s.chance(60) {
			s.do(s.scopedQuota())
		}
		if s.chance(40) {
			s.do("a quota of claims and Services is created", creates(func() client.Object {
				return &corev1.ResourceQuota{ObjectMeta: s.meta("things"), Spec: corev1.ResourceQuotaSpec{Hard: amounts(
					"persistentvolumeclaims=3", "requests.storage=3Gi", "fast.storageclass.storage.k8s.io/requests.storage=1Gi",
					"services=3", "services.nodeports=2", "services.loadbalancers=1", "count/services=4", "configmaps=5", "count/things.example.org=1",
				)}}
			}))
		}
		replicas := int32(s.IntN(4))
		t := template("web", "web:1")
		t.Spec.Containers[0].Resources.Requests = amounts("cpu=500m")
		s.begin(fmt.Sprintf("a ReplicaSet of %d is created", replicas),
			&appsv1.ReplicaSet{ObjectMeta: s.meta(name), Spec: appsv1.ReplicaSetSpec{Replicas: &replicas, Selector: selects("web"), Template: t}})
	},
	moves: append([]move{
		{3, comesOrGoes("ConfigMap", func(meta metav1.ObjectMeta) client.Object { return &corev1.ConfigMap{ObjectMeta: meta} })},
		{3, comesOrGoes("PersistentVolumeClaim", claim)},
		{3, comesOrGoes("Service", service)},
		{4, bareComes},
		{2, func(s *scenario) bool {
			n := int64(s.IntN(7))
			return s.edit("ResourceQuota", fmt.Sprintf("allows %d pods", n), func(obj client.Object) {
				obj.(*corev1.ResourceQuota).Spec.Hard[corev1.ResourcePods] = *resource.NewQuantity(n, resource.DecimalSI)
			})
		}},
		{3, func(s *scenario) bool {
			// No more than there may be, for what is missing is tried again and again, and comes when it comes.
			n := int32(s.IntN(3))
			return s.edit("ReplicaSet", fmt.Sprintf("is scaled to %d", n), func(obj client.Object) { setReplicas(obj, n) })
		}},
		{1, deletesIt("ResourceQuota", metav1.DeletePropagationBackground)},
		{3, beginsAnew},
		{1, deletesIt("ReplicaSet", metav1.DeletePropagationBackground)},
	}, podMoves...),
	astray: func(s *scenario) string {
		if exceeds(s.now) && !exceeds(s.our) {
			return "upstream let in more than a quota allows: it took back what had been charged for an object that it had not seen yet"
		}
		return ""
	},
	nudge: func(s *scenario, n int) {
		s.raced = true // which of the events about one object are too many to be recorded depends on how often it was tried
		for _, side := range []*side{ours, theirs} {
			rs := &appsv1.ReplicaSet{ObjectMeta: s.meta(name)}
			err := changeObject(s.t.Context(), side, rs, func(rs *appsv1.ReplicaSet) { metav1.SetMetaDataAnnotation(&rs.ObjectMeta, "nudged", strconv.Itoa(n)) })
			if client.IgnoreNotFound(err) != nil {
				s.t.Fatal(err)
			}
		}
	},
}

// exceeds reports that more is in use than a quota allows of something that is counted one by one as it comes: what it allows may have
// been lowered meanwhile, but then both sides exceed it.
func exceeds(st *state) bool {
	for _, obj := range st.objects {
		quota, ok := obj.(*corev1.ResourceQuota)
		if !ok {
			continue
		}
		for name, used := range quota.Status.Used {
			if used.Cmp(quota.Spec.Hard[name]) > 0 {
				return true
			}
		}
	}
	return false
}

// amounts are resources written as NAME=QUANTITY.
func amounts(all ...string) corev1.ResourceList {
	list := corev1.ResourceList{}
	for _, one := range all {
		name, quantity, _ := strings.Cut(one, "=")
		list[corev1.ResourceName(name)] = resource.MustParse(quantity)
	}
	return list
}

// quota draws the one that the scenario goes on to change.
func (s *scenario) quota() (string, act) {
	hard := amounts(fmt.Sprintf("pods=%d", 1+s.IntN(4)), "count/configmaps=3", "count/replicasets.apps=3")
	if s.chance(50) {
		for name, quantity := range amounts(fmt.Sprintf("requests.cpu=%d", 1+s.IntN(3))) {
			hard[name] = quantity
		}
	}
	if s.chance(30) {
		hard["count/pods"] = resource.MustParse("4")
	}
	what := "a quota is created of " + strings.Join(slices.Sorted(names(hard)), ", ")
	return what, creates(func() client.Object {
		return &corev1.ResourceQuota{ObjectMeta: s.meta(name), Spec: corev1.ResourceQuotaSpec{Hard: hard.DeepCopy()}}
	})
}

func names(list corev1.ResourceList) func(func(string) bool) {
	return func(yield func(string) bool) {
		for name, quantity := range list {
			if !yield(fmt.Sprintf("%s %s", quantity.String(), name)) {
				return
			}
		}
	}
}

// scopedQuota draws one of pods of some sort only.
func (s *scenario) scopedQuota() (string, act) {
	spec := corev1.ResourceQuotaSpec{Hard: amounts("pods=2")}
	scopes := []corev1.ResourceQuotaScope{
		corev1.ResourceQuotaScopeTerminating, corev1.ResourceQuotaScopeNotTerminating, corev1.ResourceQuotaScopeBestEffort, corev1.ResourceQuotaScopeNotBestEffort,
		corev1.ResourceQuotaScopeCrossNamespacePodAffinity, corev1.ResourceQuotaScopePriorityClass,
	}
	scope := scopes[s.IntN(len(scopes))]
	what := "a quota of 2 pods that are " + string(scope) + " is created"
	switch {
	case scope != corev1.ResourceQuotaScopePriorityClass:
		spec.Scopes = []corev1.ResourceQuotaScope{scope}
	default:
		operators := []corev1.ScopeSelectorOperator{corev1.ScopeSelectorOpIn, corev1.ScopeSelectorOpNotIn, corev1.ScopeSelectorOpExists, corev1.ScopeSelectorOpDoesNotExist}
		requirement := corev1.ScopedResourceSelectorRequirement{ScopeName: scope, Operator: operators[s.IntN(len(operators))]}
		if requirement.Operator == corev1.ScopeSelectorOpIn || requirement.Operator == corev1.ScopeSelectorOpNotIn {
			requirement.Values = []string{critical}
		}
		what += fmt.Sprintf(", %s", requirement.Operator)
		spec.ScopeSelector = &corev1.ScopeSelector{MatchExpressions: []corev1.ScopedResourceSelectorRequirement{requirement}}
	}
	return what, creates(func() client.Object {
		return &corev1.ResourceQuota{ObjectMeta: s.meta("scoped"), Spec: *spec.DeepCopy()}
	})
}

// critical is a PriorityClass that every server has.
const critical = "system-cluster-critical"

// comesOrGoes creates one of a few objects of a kind, or deletes it if it is there.
func comesOrGoes(kind string, made func(metav1.ObjectMeta) client.Object) func(*scenario) bool {
	return func(s *scenario) bool {
		n := s.IntN(4)
		key := fmt.Sprintf("%s/thing%d", kind, n)
		if s.now.objects[key] != nil {
			s.do(key+" is deleted", deletes(key, metav1.DeletePropagationBackground))
			return true
		}
		s.do(key+" is created", creates(func() client.Object { return made(s.meta(fmt.Sprintf("thing%d", n))) }))
		return true
	}
}

// claim is of a class, or of another, by its number.
func claim(meta metav1.ObjectMeta) client.Object {
	class := map[string]string{"thing0": "fast"}[meta.Name]
	return &corev1.PersistentVolumeClaim{ObjectMeta: meta, Spec: corev1.PersistentVolumeClaimSpec{
		StorageClassName: &class, AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Resources: corev1.VolumeResourceRequirements{Requests: amounts("storage=1Gi")},
	}}
}

// service is of a type that follows from its number.
func service(meta metav1.ObjectMeta) client.Object {
	kind := map[string]corev1.ServiceType{"thing0": corev1.ServiceTypeNodePort, "thing1": corev1.ServiceTypeLoadBalancer}[meta.Name]
	return &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{Type: kind, Ports: []corev1.ServicePort{{Name: "web", Port: 80}}}}
}

// bareComes creates a pod that nobody owns, of a sort that scopes tell from others.
func bareComes(s *scenario) bool {
	if len(s.keys("Pod", nil)) > 6 {
		return false
	}
	pod := s.pod("bare")
	pod.Labels["app"] = "bare"
	what := "a pod is created"
	if s.chance(60) {
		pod.Spec.Containers[0].Resources.Requests = amounts("cpu=250m", "memory=1Mi")
		what += ", that asks for something"
	}
	switch s.IntN(4) {
	case 0:
		hour := int64(3600)
		pod.Spec.ActiveDeadlineSeconds = &hour
		what += ", for an hour"
	case 1:
		pod.Spec.PriorityClassName = critical
		what += ", that is critical"
	case 2:
		pod.Spec.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
			TopologyKey: corev1.LabelHostname, Namespaces: []string{"default"}, LabelSelector: selects("web"),
		}}}}
		what += ", that wants to be by pods of another namespace"
	}
	s.do(what, creates(func() client.Object { return pod.DeepCopy() }))
	return true
}
