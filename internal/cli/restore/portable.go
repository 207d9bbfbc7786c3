package restore

import (
	"encoding/json"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// portable is what of an object belongs to it anywhere: without what the server, a controller or admission wrote into it where it was. It
// has no finalizers and owners. The object is not changed.
func portable(o *unstructured.Unstructured) *unstructured.Unstructured {
	asked := askedFor(o)
	o = o.DeepCopy()
	kept := map[string]any{}
	for _, field := range []string{"name", "namespace", "labels", "annotations"} {
		if value, ok := o.Object["metadata"].(map[string]any)[field]; ok {
			kept[field] = value
		}
	}
	o.Object["metadata"] = kept
	delete(o.Object, "status")
	dropAnnotations(o, RestoredUID, "deployment.kubernetes.io/revision")
	switch o.GroupVersionKind().GroupKind() {
	case namespaceKind:
		delete(o.Object, "spec") // its finalizer
		dropLabels(o.Object, []string{"metadata", "labels"}, corev1.LabelMetadataName)
	case serviceKind:
		withoutAllocated(o, asked)
	case claimKind:
		unstructured.RemoveNestedField(o.Object, "spec", "volumeName") // see volumes.go
		dropAnnotations(o, "pv.kubernetes.io/bind-completed", "pv.kubernetes.io/bound-by-controller", "volume.kubernetes.io/selected-node",
			"volume.kubernetes.io/storage-provisioner", "volume.beta.kubernetes.io/storage-provisioner")
	case podKind:
		for _, field := range []string{"nodeName", "priority", "preemptionPolicy", "ephemeralContainers"} {
			unstructured.RemoveNestedField(o.Object, "spec", field)
		}
	case jobKind:
		withoutGeneratedSelector(o)
	case secretKind:
		if isToken(o) {
			delete(o.Object, "data")
			dropAnnotations(o, corev1.ServiceAccountUIDKey)
		}
	}
	return o
}

// isToken reports that an object is a Secret into which a controller writes a token of a service account.
func isToken(o *unstructured.Unstructured) bool {
	return o.GroupVersionKind().GroupKind() == secretKind && textAt(o, "type") == string(corev1.SecretTypeServiceAccountToken)
}

// withoutAllocated leaves of the addresses, families and ports of a Service those that somebody asked for.
func withoutAllocated(o *unstructured.Unstructured, asked fields) {
	headless := textAt(o, "spec", "clusterIP") == corev1.ClusterIPNone
	for _, field := range []string{"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort"} {
		if headless && strings.HasPrefix(field, "clusterIP") || asked.has("f:spec", "f:"+field) {
			continue
		}
		unstructured.RemoveNestedField(o.Object, "spec", field)
	}
	if textAt(o, "spec", "clusterIP") == "" { // the two say the same
		unstructured.RemoveNestedField(o.Object, "spec", "clusterIPs")
	}
	ports, _, _ := unstructured.NestedSlice(o.Object, "spec", "ports") // a Service that has none is one
	for _, port := range ports {
		if port, ok := port.(map[string]any); ok && !asked.hasNodePort(port) {
			delete(port, "nodePort")
		}
	}
	if len(ports) > 0 {
		o.Object["spec"].(map[string]any)["ports"] = ports
	}
}

// withoutGeneratedSelector takes away what ties a Job to the pods of the one that it was, which have its UID.
func withoutGeneratedSelector(o *unstructured.Unstructured) {
	if manual, _, _ := unstructured.NestedBool(o.Object, "spec", "manualSelector"); manual { // absent is false
		return
	}
	unstructured.RemoveNestedField(o.Object, "spec", "selector")
	generated := []string{batchv1.ControllerUidLabel, "controller-uid", batchv1.JobNameLabel, "job-name"}
	dropLabels(o.Object, []string{"spec", "template", "metadata", "labels"}, generated...)
	dropLabels(o.Object, []string{"metadata", "labels"}, generated...)
}

// dropLabels takes entries out of the map at a path, and the map with the last of them.
func dropLabels(object map[string]any, path []string, names ...string) {
	for _, name := range names {
		unstructured.RemoveNestedField(object, append(slices.Clone(path), name)...)
	}
	if left, found, _ := unstructured.NestedMap(object, path...); found && len(left) == 0 { // what is no map has no entries
		unstructured.RemoveNestedField(object, path...)
	}
}

func dropAnnotations(o *unstructured.Unstructured, names ...string) {
	dropLabels(o.Object, []string{"metadata", "annotations"}, names...)
}

// fields are those of an object that somebody has written, each a tree as metav1.FieldsV1 has it. What the API server allocates is
// written by nobody.
type fields []map[string]any

func askedFor(o *unstructured.Unstructured) (asked fields) {
	for _, entry := range o.GetManagedFields() {
		var tree map[string]any
		if entry.FieldsV1 == nil || entry.Subresource != "" || json.Unmarshal(entry.FieldsV1.GetRawBytes(), &tree) != nil {
			continue // nobody asked for anything in it that could be known
		}
		asked = append(asked, tree)
	}
	return asked
}

func (f fields) has(path ...string) bool {
	return slices.ContainsFunc(f, func(tree map[string]any) bool {
		_, found, err := unstructured.NestedFieldNoCopy(tree, path...)
		return found && err == nil
	})
}

// hasNodePort reports that somebody asked for the node port of a port of a Service, which is told from others by port and protocol.
func (f fields) hasNodePort(port map[string]any) bool {
	return slices.ContainsFunc(f, func(tree map[string]any) bool {
		ports, _, _ := unstructured.NestedMap(tree, "f:spec", "f:ports") // absent: none were asked for
		for key, asked := range ports {
			var of struct {
				Port     int64  `json:"port"`
				Protocol string `json:"protocol"`
			}
			if json.Unmarshal([]byte(strings.TrimPrefix(key, "k:")), &of) != nil || of.Port != port["port"] || of.Protocol != port["protocol"] {
				continue
			}
			if asked, ok := asked.(map[string]any); ok && asked["f:nodePort"] != nil {
				return true
			}
		}
		return false
	})
}

// moved is an object in another namespace: what in it names the old one as its own is renamed. Accounts of other namespaces stay as
// they are.
func moved(o *unstructured.Unstructured, from, into string) *unstructured.Unstructured {
	if o.GroupVersionKind().GroupKind() == namespaceKind {
		o.SetName(into)
		return o
	}
	o.SetNamespace(into)
	if o.GroupVersionKind().GroupKind() != bindingKind {
		return o
	}
	subjects, _, _ := unstructured.NestedSlice(o.Object, "subjects") // a binding of nobody
	for _, subject := range subjects {
		if subject, ok := subject.(map[string]any); ok && subject["kind"] == "ServiceAccount" && subject["namespace"] == from {
			subject["namespace"] = into
		}
	}
	if len(subjects) > 0 {
		o.Object["subjects"] = subjects
	}
	return o
}

// hasOwner reports that an object has an owner of a UID.
func hasOwner(o *unstructured.Unstructured, owner metav1.OwnerReference) bool {
	return slices.ContainsFunc(o.GetOwnerReferences(), func(has metav1.OwnerReference) bool { return has.UID == owner.UID })
}
