package env

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"
	"k8s.io/utils/ptr"
	"pgregory.net/rapid"
)

// TestExpandDoesWhatUpstreamDoes compares with upstream's own function on random text.
func TestExpandDoesWhatUpstreamDoes(t *testing.T) {
	vars := map[string]string{"A": "1", "B": "$(A)", "": "empty"}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOf(rapid.SampledFrom([]string{"$", "(", ")", "A", "B", "C", "$(A)", " "})).Draw(t, "text"), "")
		want := expansion.Expand(text, expansion.MappingFuncFor(vars))
		got := Expand(text, func(name string) (string, bool) { value, ok := vars[name]; return value, ok })
		if got != want {
			t.Fatalf("%q became %q, and upstream's %q", text, got, want)
		}
	})
}

type source struct {
	configMaps map[string]map[string]string
	secrets    map[string]map[string]string
}

func (s source) ConfigMap(_ context.Context, _, name string) (*corev1.ConfigMap, error) {
	if data, ok := s.configMaps[name]; ok {
		return &corev1.ConfigMap{Data: data}, nil
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "configmaps"}, name)
}

func (s source) Secret(_ context.Context, _, name string) (*corev1.Secret, error) {
	data, ok := s.secrets[name]
	if !ok {
		return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, name)
	}
	secret := &corev1.Secret{Data: map[string][]byte{}}
	for key, value := range data {
		secret.Data[key] = []byte(value)
	}
	return secret, nil
}

func service(namespace, name, ip string, ports ...corev1.ServicePort) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: corev1.ServiceSpec{ClusterIP: ip, Ports: ports},
	}
}

func TestEnvironment(t *testing.T) {
	field := func(path string) *corev1.EnvVarSource {
		return &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: path}}
	}
	amount := func(name, divisor string) *corev1.EnvVarSource {
		return &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: name, Divisor: resource.MustParse(divisor)}}
	}
	named := func(name string) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: name} }
	key := func(name, key string, optional bool) *corev1.EnvVarSource {
		return &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: named(name), Key: key, Optional: &optional}}
	}
	for _, test := range []struct {
		name string
		env  []corev1.EnvVar
		from []corev1.EnvFromSource
		want string
	}{
		{"a value that speaks of one before it", []corev1.EnvVar{{Name: "A", Value: "1"}, {Name: "B", Value: "$(A)$(C)$$(A)"}, {Name: "C", Value: "3"}}, nil,
			"A=1 B=1$(C)$(A) C=3"},
		{"a value that is given twice", []corev1.EnvVar{{Name: "A", Value: "1"}, {Name: "A", Value: "$(A)2"}}, nil, "A=12"},
		{"fields of the pod", []corev1.EnvVar{{Name: "N", ValueFrom: field("metadata.name")}, {Name: "L", ValueFrom: field("metadata.labels['tier']")}, {Name: "IP", ValueFrom: field("status.podIP")}}, nil,
			"N=web L=front IP=10.0.0.5"},
		{"a field that there is not", []corev1.EnvVar{{Name: "N", ValueFrom: field("spec.nothing")}}, nil, "error: unsupported fieldPath: spec.nothing"},
		{"resources, rounded up", []corev1.EnvVar{
			{Name: "CPU", ValueFrom: amount("limits.cpu", "0")}, {Name: "MILLI", ValueFrom: amount("limits.cpu", "1m")}, {Name: "MEM", ValueFrom: amount("requests.memory", "1Mi")},
		}, nil, "CPU=2 MILLI=1500 MEM=65"},
		{"a limit that the container does not have is the node's", []corev1.EnvVar{{Name: "MEM", ValueFrom: amount("limits.memory", "1Gi")}}, nil, "MEM=4"},
		{"a ConfigMap's key", []corev1.EnvVar{{Name: "A", ValueFrom: key("c", "k", false)}}, nil, "A=v"},
		{"a key that is not there", []corev1.EnvVar{{Name: "A", ValueFrom: key("c", "no", false)}}, nil, "error: couldn't find key no in ConfigMap default/c"},
		{"an optional key that is not there", []corev1.EnvVar{{Name: "A", ValueFrom: key("c", "no", true)}}, nil, ""},
		{"a ConfigMap that is not there", []corev1.EnvVar{{Name: "A", ValueFrom: key("d", "k", false)}}, nil, `error: configmaps "d" not found`},
		{"a Secret as a whole, with a prefix, below the container's own", []corev1.EnvVar{{Name: "S_b", Value: "own"}},
			[]corev1.EnvFromSource{{Prefix: "S_", SecretRef: &corev1.SecretEnvSource{LocalObjectReference: named("s")}}}, "S_a=1 S_b=own"},
		{"an optional ConfigMap as a whole that is not there", nil,
			[]corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: named("d"), Optional: ptr.To(true)}}}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", Labels: map[string]string{"tier": "front"}}}
			pod.Status.PodIP = "10.0.0.5"
			container := &corev1.Container{Env: test.env, EnvFrom: test.from}
			container.Resources.Limits = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1500m")}
			container.Resources.Requests = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64.5Mi")}
			vars, err := Compute(t.Context(), Input{
				Pod: pod, Container: container, Allocatable: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("4Gi")},
				Source: source{
					configMaps: map[string]map[string]string{"c": {"k": "v"}}, secrets: map[string]map[string]string{"s": {"a": "1", "b": "2"}},
				},
			})
			got := told(vars)
			if err != nil {
				got = "error: " + err.Error()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func told(vars []Var) string {
	var texts []string
	for _, v := range vars {
		texts = append(texts, fmt.Sprintf("%s=%s", v.Name, v.Value))
	}
	return strings.Join(texts, " ")
}

func TestServices(t *testing.T) {
	all := []*corev1.Service{
		service("default", "kubernetes", "10.96.0.1", corev1.ServicePort{Name: "https", Port: 443}),
		service("shop", "my-db", "10.96.0.7", corev1.ServicePort{Port: 5432, Protocol: corev1.ProtocolTCP}),
		service("shop", "headless", corev1.ClusterIPNone, corev1.ServicePort{Port: 1}),
		service("other", "hidden", "10.96.0.8", corev1.ServicePort{Port: 1}),
	}
	master := "KUBERNETES_SERVICE_HOST=10.96.0.1 KUBERNETES_SERVICE_PORT=443 KUBERNETES_SERVICE_PORT_HTTPS=443 KUBERNETES_PORT=tcp://10.96.0.1:443 " +
		"KUBERNETES_PORT_443_TCP=tcp://10.96.0.1:443 KUBERNETES_PORT_443_TCP_PROTO=tcp KUBERNETES_PORT_443_TCP_PORT=443 KUBERNETES_PORT_443_TCP_ADDR=10.96.0.1"
	db := " MY_DB_SERVICE_HOST=10.96.0.7 MY_DB_SERVICE_PORT=5432 MY_DB_PORT=tcp://10.96.0.7:5432 " +
		"MY_DB_PORT_5432_TCP=tcp://10.96.0.7:5432 MY_DB_PORT_5432_TCP_PROTO=tcp MY_DB_PORT_5432_TCP_PORT=5432 MY_DB_PORT_5432_TCP_ADDR=10.96.0.7"
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop"}}
	if got := told(Services(pod, all)); got != master+db {
		t.Errorf("with links:\n got %s\nwant %s", got, master+db)
	}
	pod.Spec.EnableServiceLinks = ptr.To(false)
	if got := told(Services(pod, all)); got != master {
		t.Errorf("without links:\n got %s\nwant %s", got, master)
	}
}
