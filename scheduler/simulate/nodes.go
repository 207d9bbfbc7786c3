package simulate

import (
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Defaults of ParseNodes.
const (
	defaultPrefix = "added"
	defaultPods   = "110"
	mostNodes     = 10_000
)

// ParseNodes reads nodes from a text such as
//
//	cpu=8,memory=32Gi,count=3,labels=topology.kubernetes.io/zone=a;disk=ssd,taints=dedicated=db:NoSchedule
//
// cpu and memory are required. count is 1 and pods 110 by default; name is the prefix of the nodes' names, by default
// "added"; labels and taints are lists with semicolons. Any other key is a resource: example.com/gpu=4.
func ParseNodes(text string) ([]*corev1.Node, error) {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: defaultPrefix, Labels: map[string]string{}}}
	capacity := corev1.ResourceList{corev1.ResourcePods: resource.MustParse(defaultPods)}
	count := 1
	for _, field := range strings.Split(text, ",") {
		key, value, ok := strings.Cut(field, "=")
		key = strings.TrimSpace(key)
		if !ok || value == "" {
			return nil, fmt.Errorf("node %q: %q: want KEY=VALUE, as in cpu=8,memory=32Gi,count=3", text, field)
		}
		var err error
		switch key {
		case "count":
			if count, err = strconv.Atoi(value); err != nil || count < 1 || count > mostNodes {
				err = fmt.Errorf("want a number from 1 to %d", mostNodes)
			}
		case "name":
			node.Name = value
			if messages := validation.IsDNS1123Subdomain(value); len(messages) > 0 {
				err = fmt.Errorf("%s", strings.Join(messages, "; "))
			}
		case "labels":
			err = parseLabels(value, node.Labels)
		case "taints":
			node.Spec.Taints, err = parseTaints(value)
		default:
			err = parseResource(key, value, capacity)
		}
		if err != nil {
			return nil, fmt.Errorf("node %q: %s: %w", text, field, err)
		}
	}
	for _, required := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		if _, given := capacity[required]; !given {
			return nil, fmt.Errorf("node %q: %s is missing: want at least cpu and memory, as in cpu=8,memory=32Gi", text, required)
		}
	}
	node.Status.Capacity, node.Status.Allocatable = capacity, capacity
	return copies(node, count), nil
}

func copies(node *corev1.Node, count int) []*corev1.Node {
	all := make([]*corev1.Node, count)
	for i := range all {
		copied := node.DeepCopy()
		copied.Name = fmt.Sprintf("%s-%d", node.Name, i+1)
		for key, value := range map[string]string{
			corev1.LabelHostname: copied.Name, corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64",
		} {
			if copied.Labels[key] == "" {
				copied.Labels[key] = value
			}
		}
		copied.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "Simulated"}}
		all[i] = copied
	}
	return all
}

func parseResource(name, value string, capacity corev1.ResourceList) error {
	if name != string(corev1.ResourceCPU) && name != string(corev1.ResourceMemory) && name != string(corev1.ResourceEphemeralStorage) &&
		name != string(corev1.ResourcePods) && !strings.Contains(name, "/") && !strings.HasPrefix(name, corev1.ResourceHugePagesPrefix) {
		return fmt.Errorf("want one of count, name, labels, taints, cpu, memory, ephemeral-storage, pods, hugepages-SIZE, or an extended resource such as example.com/gpu")
	}
	quantity, err := resource.ParseQuantity(value)
	if err != nil {
		return fmt.Errorf("want a quantity, such as 8, 500m or 32Gi")
	}
	capacity[corev1.ResourceName(name)] = quantity
	return nil
}

func parseLabels(text string, labels map[string]string) error {
	for _, label := range strings.Split(text, ";") {
		key, value, _ := strings.Cut(label, "=")
		if messages := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...); len(messages) > 0 {
			return fmt.Errorf("label %q: %s", label, strings.Join(messages, "; "))
		}
		labels[key] = value
	}
	return nil
}

func parseTaints(text string) ([]corev1.Taint, error) {
	var taints []corev1.Taint
	for _, each := range strings.Split(text, ";") {
		name, effect, _ := strings.Cut(each, ":")
		key, value, _ := strings.Cut(name, "=")
		taint := corev1.Taint{Key: key, Value: value, Effect: corev1.TaintEffect(effect)}
		switch taint.Effect {
		case corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute:
		default:
			return nil, fmt.Errorf("taint %q: want KEY=VALUE:EFFECT with the effect NoSchedule, PreferNoSchedule or NoExecute", each)
		}
		if messages := validation.IsQualifiedName(key); len(messages) > 0 {
			return nil, fmt.Errorf("taint %q: %s", each, strings.Join(messages, "; "))
		}
		taints = append(taints, taint)
	}
	return taints, nil
}
