package apis_test

import (
	"bytes"
	"math/rand"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/apis"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/apitesting/fuzzer"
	metafuzzer "k8s.io/apimachinery/pkg/apis/meta/fuzzer"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"sigs.k8s.io/randfill"
)

// upstreamScheme knows upstream's own types by the names that ours have under the
// Kubernetes naming.
func upstreamScheme(t *testing.T) *runtime.Scheme {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, appsv1.AddToScheme, batchv1.AddToScheme, autoscalingv2.AddToScheme,
		policyv1.AddToScheme, discoveryv1.AddToScheme, networkingv1.AddToScheme,
		storagev1.AddToScheme, schedulingv1beta1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return scheme
}

// filler returns a source of random objects in which every field may be set.
func filler(scheme *runtime.Scheme) *randfill.Filler {
	funcs := fuzzer.MergeFuzzerFuncs(metafuzzer.Funcs, func(serializer.CodecFactory) []any {
		return []any{func(raw *runtime.RawExtension, c randfill.Continue) {
			raw.Raw = []byte(`{"spec":{"n":` + string(rune('0'+c.Intn(10))) + `}}`)
		}}
	})
	return fuzzer.FuzzerFor(funcs, rand.NewSource(1), serializer.NewCodecFactory(scheme))
}

func TestProtobufIsUpstreamsOnTheWire(t *testing.T) {
	scheme, upstream := newScheme(t, apis.Kubernetes), upstreamScheme(t)
	fill := filler(upstream)
	for name, options := range map[string]protobuf.SerializerOptions{
		"whole":     {},
		"streaming": {StreamingCollectionsEncoding: true},
	} {
		ours := protobuf.NewSerializerWithOptions(scheme, scheme, options)
		theirs := protobuf.NewSerializerWithOptions(upstream, upstream, options)
		for _, k := range twoNamed() {
			gvk := k.GroupVersionKind(apis.Kubernetes)
			for _, gvk := range []schema.GroupVersionKind{gvk, gvk.GroupVersion().WithKind(gvk.Kind + "List")} {
				t.Run(name+"/"+gvk.Kind, func(t *testing.T) {
					for range 5 {
						sent := newObject(t, upstream, gvk)
						fill.Fill(sent)
						sent.GetObjectKind().SetGroupVersionKind(gvk)
						wire := encode(t, theirs, sent)
						received := decode(t, ours, wire)
						if got, want := reflect.TypeOf(received), reflect.TypeOf(newObject(t, scheme, gvk)); got != want {
							t.Fatalf("decoded into %s, want %s", got, want)
						}
						back := decode(t, theirs, encode(t, ours, received))
						if diff := cmp.Diff(decode(t, theirs, wire), back); diff != "" {
							t.Fatalf("lost on the way through our type (-sent +returned):\n%s", diff)
						}
					}
				})
			}
		}
	}
}

// A list reaches upstream's methods by its memory layout, which the compiler does not check.
func TestListsAreLaidOutAsUpstreams(t *testing.T) {
	scheme, upstream := newScheme(t, apis.Kubernetes), upstreamScheme(t)
	for _, k := range twoNamed() {
		gvk := k.GroupVersionKind(apis.Kubernetes)
		gvk.Kind += "List"
		ours := reflect.TypeOf(newObject(t, scheme, gvk)).Elem()
		theirs := reflect.TypeOf(newObject(t, upstream, gvk)).Elem()
		if ours.NumField() != theirs.NumField() {
			t.Errorf("%s has %d fields, upstream has %d", ours, ours.NumField(), theirs.NumField())
			continue
		}
		for i := range ours.NumField() {
			a, b := ours.Field(i), theirs.Field(i)
			sameType := a.Type == b.Type || a.Name == "Items" && a.Type.Elem().ConvertibleTo(b.Type.Elem())
			if a.Name != b.Name || a.Offset != b.Offset || !sameType {
				t.Errorf("%s: field %s %s is not %s %s", ours, a.Name, a.Type, b.Name, b.Type)
			}
		}
	}
}

func TestProtobufResetsBeforeDecoding(t *testing.T) {
	scheme := newScheme(t, apis.Kubernetes)
	codec := protobuf.NewSerializer(scheme, scheme)
	for _, k := range twoNamed() {
		empty, used := k.New(), k.New()
		used.(metav1.Object).SetName("left over")
		gvk := k.GroupVersionKind(apis.Kubernetes)
		empty.GetObjectKind().SetGroupVersionKind(gvk)
		if _, _, err := codec.Decode(encode(t, codec, empty), nil, used); err != nil {
			t.Fatal(err)
		}
		if name := used.(metav1.Object).GetName(); name != "" {
			t.Errorf("%s: the name is still %q after decoding an object without one", gvk.Kind, name)
		}
	}
}

func newObject(t *testing.T, scheme *runtime.Scheme, gvk schema.GroupVersionKind) runtime.Object {
	t.Helper()
	obj, err := scheme.New(gvk)
	if err != nil {
		t.Fatal(err)
	}
	return obj
}

func encode(t *testing.T, codec runtime.Encoder, obj runtime.Object) []byte {
	t.Helper()
	var wire bytes.Buffer
	if err := codec.Encode(obj, &wire); err != nil {
		t.Fatalf("encoding %T: %v", obj, err)
	}
	return wire.Bytes()
}

func decode(t *testing.T, codec runtime.Decoder, wire []byte) runtime.Object {
	t.Helper()
	obj, _, err := codec.Decode(wire, nil, nil)
	if err != nil {
		t.Fatalf("decoding: %v", err)
	}
	return obj
}
