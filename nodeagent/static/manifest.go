package static

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// origin is where manifests come from.
type origin struct {
	// source is FileSource or HTTPSource, and at the path of a file or a URL.
	source, at string
	// node is the name of the node.
	node string
	// complete fills in what a manifest leaves out, and says what is wrong with it; nil leaves it as it is.
	complete func(*corev1.Pod) error
}

// pods are those of a text, which is one pod, or where the origin may have several, a list of them.
func (o origin) pods(text []byte) ([]*corev1.Pod, error) {
	object, err := decode(text)
	if err != nil {
		return nil, err
	}
	var found []*corev1.Pod
	switch object := object.(type) {
	case *corev1.Pod:
		found = append(found, object)
	case *corev1.PodList:
		if o.source != HTTPSource {
			return nil, errors.New("it is a list: want one pod in a file")
		}
		for i := range object.Items {
			found = append(found, &object.Items[i])
		}
	default:
		return nil, fmt.Errorf("it is a %s, and not a pod", object.GetObjectKind().GroupVersionKind().Kind)
	}
	for _, pod := range found {
		if pod.Name == "" {
			return nil, errors.New("invalid pod: name is needed for the pod")
		}
		if err := o.place(pod); err != nil {
			return nil, err
		}
		if o.complete == nil {
			continue
		}
		if err := o.complete(pod); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// decode reads the one object of a text in YAML or JSON. Of several documents a kubelet would take the first and pass over the others.
func decode(text []byte) (runtime.Object, error) {
	document, err := onlyDocument(text)
	if err != nil {
		return nil, err
	}
	object, _, err := scheme.Codecs.UniversalDeserializer().Decode(document, nil, nil)
	return object, err
}

// onlyDocument is the one that says something, as JSON.
func onlyDocument(text []byte) (only []byte, err error) {
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if document, err = yaml.YAMLToJSON(document); err != nil {
			return nil, err
		}
		if string(document) == "null" { // comments alone
			continue
		}
		if only != nil {
			return nil, errors.New("it has several documents: want one pod in a file")
		}
		only = document
	}
	if only == nil {
		return nil, errors.New("it is empty")
	}
	return only, nil
}

// place makes a pod one of the node. Its UID follows from the manifest as it was written, and not from what is filled in: an agent with
// other defaults has the same pod.
func (o origin) place(pod *corev1.Pod) error {
	if pod.UID == "" {
		text, err := json.Marshal(pod)
		if err != nil {
			return err
		}
		h := fnv.New128a()
		_, _ = h.Write(text) // a hash takes all
		if o.source == FileSource {
			fmt.Fprintf(h, "host:%s", o.node)
		}
		fmt.Fprintf(h, "%s:%s", o.source, o.at)
		pod.UID = types.UID(hex.EncodeToString(h.Sum(nil)))
	}
	pod.Name += "-" + strings.ToLower(o.node)
	if pod.Namespace == "" {
		pod.Namespace = metav1.NamespaceDefault
	}
	pod.Spec.NodeName = o.node
	pod.Annotations = maps.Clone(pod.Annotations)
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	pod.Annotations[AnnotationHash], pod.Annotations[AnnotationSource] = string(pod.UID), o.source
	if o.source == FileSource {
		stay(pod)
	}
	pod.Status = corev1.PodStatus{Phase: corev1.PodPending}
	return nil
}

// stay has the pod tolerate all that would have it leave its node.
func stay(pod *corev1.Pod) {
	all := corev1.Toleration{Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute}
	for i := range pod.Spec.Tolerations {
		if pod.Spec.Tolerations[i].MatchToleration(&all) {
			pod.Spec.Tolerations[i] = all
			return
		}
	}
	pod.Spec.Tolerations = append(pod.Spec.Tolerations, all)
}
