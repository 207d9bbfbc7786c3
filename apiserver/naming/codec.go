package naming

import (
	"io"
	"reflect"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/orrery-dev/orrery/apis"
)

// translatingSerializer is a codec factory whose encoders write the Orrery naming, and whose decoders read it.
type translatingSerializer struct {
	runtime.StorageSerializer
}

// EncoderForVersion implements runtime.StorageSerializer.
func (s translatingSerializer) EncoderForVersion(encoder runtime.Encoder, version runtime.GroupVersioner) runtime.Encoder {
	inner := s.StorageSerializer.EncoderForVersion(encoder, version)
	return translatingEncoder{Encoder: inner, identifier: "orrery-naming," + inner.Identifier()}
}

// DecoderToVersion implements runtime.StorageSerializer.
func (s translatingSerializer) DecoderToVersion(decoder runtime.Decoder, version runtime.GroupVersioner) runtime.Decoder {
	return translatingDecoder{s.StorageSerializer.DecoderToVersion(decoder, version)}
}

type translatingEncoder struct {
	runtime.Encoder
	identifier runtime.Identifier
}

// Encode implements runtime.Encoder. It does not change obj, which others may hold.
func (e translatingEncoder) Encode(obj runtime.Object, w io.Writer) error {
	if meta, ok := obj.(metav1.Object); ok && needs(meta, apis.Orrery) {
		obj = shallowCopy(obj)
		translate(obj.(metav1.Object), apis.Orrery)
	}
	return e.Encoder.Encode(obj, w)
}

// Identifier implements runtime.Encoder.
func (e translatingEncoder) Identifier() runtime.Identifier { return e.identifier }

type translatingDecoder struct {
	runtime.Decoder
}

// Decode implements runtime.Decoder.
func (d translatingDecoder) Decode(data []byte, defaults *schema.GroupVersionKind, into runtime.Object) (runtime.Object, *schema.GroupVersionKind, error) {
	obj, gvk, err := d.Decoder.Decode(data, defaults, into)
	if err != nil {
		return obj, gvk, err
	}
	if meta, ok := obj.(metav1.Object); ok && needs(meta, apis.Kubernetes) {
		translate(meta, apis.Kubernetes)
	}
	return obj, gvk, nil
}

// shallowCopy returns an object of its own whose fields are shared with obj. obj is a pointer to a struct, as all
// types of a scheme are.
func shallowCopy(obj runtime.Object) runtime.Object {
	original := reflect.ValueOf(obj).Elem()
	twin := reflect.New(original.Type())
	twin.Elem().Set(original)
	return twin.Interface().(runtime.Object)
}
