package naming

import (
	"fmt"
	"mime"
	"net/http"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/apis"
)

const (
	mediaJSON = runtime.ContentTypeJSON
	mediaYAML = runtime.ContentTypeYAML
)

// translate turns a request by a second name into one by the first, and says whether its sender wants to read YAML. One that
// cannot be translated is a question as well, of which [Inner] gives the answer.
func (t target) translate(r *http.Request) (first *http.Request, yaml bool) {
	first = r.Clone(r.Context())
	first.URL.Path, first.URL.RawPath = t.path, ""
	first.RequestURI = first.URL.RequestURI()
	asked := &question{groupVersion: t.kind.GroupVersionKind(apis.Orrery).GroupVersion().String()}
	if !t.streams() {
		yaml = t.translateHeaders(first, asked)
		t.translateBody(first, asked)
	}
	return first.WithContext(withQuestion(first.Context(), asked)), yaml
}

// translateHeaders asks for what can be answered.
func (t target) translateHeaders(r *http.Request, asked *question) (yaml bool) {
	accepts, yaml, ok := accepted(r.Header.Values("Accept"))
	if !ok {
		asked.refusal = refusal(http.StatusNotAcceptable, metav1.StatusReasonNotAcceptable,
			"only the following media types are accepted: %s, %s", mediaJSON, mediaYAML)
	}
	r.Header.Set("Accept", accepts)
	r.Header.Del("Accept-Encoding") // the answer is to be read on its way back
	return yaml
}

// accepted is what of an Accept header can be answered, with YAML as JSON, which becomes YAML on its way back.
func accepted(values []string) (accepts string, yaml, ok bool) {
	var kept []string
	for clause := range strings.SplitSeq(strings.Join(values, ","), ",") {
		media, _, err := mime.ParseMediaType(clause)
		switch {
		case err != nil || isBinary(media):
		case media == mediaYAML || media == "text/yaml":
			yaml = yaml || len(kept) == 0
			kept = append(kept, strings.Replace(clause, media, mediaJSON, 1))
		default:
			kept = append(kept, clause)
		}
	}
	if len(kept) == 0 {
		return mediaJSON, false, strings.TrimSpace(strings.Join(values, "")) == ""
	}
	return strings.Join(kept, ","), yaml, true
}

// isBinary reports that a media type is one of those that only built-in kinds speak.
func isBinary(media string) bool {
	return media == runtime.ContentTypeProtobuf || media == runtime.ContentTypeCBOR ||
		media == runtime.ContentTypeCBORSequence || media == string(types.ApplyCBORPatchType)
}

// translateBody turns the body into that of the first name, when it is read.
func (t target) translateBody(r *http.Request, asked *question) {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return
	}
	media := mediaJSON
	if header := r.Header.Get("Content-Type"); header != "" {
		var err error
		if media, _, err = mime.ParseMediaType(header); err != nil {
			media = header
		}
	}
	switch media {
	case mediaJSON, string(types.MergePatchType), string(types.StrategicMergePatchType):
		r.Body = inPieces(r.Body)
	case mediaYAML, string(types.ApplyYAMLPatchType):
		r.Body = asWhole(r.Body, yamlToFirst)
	case string(types.JSONPatchType):
		r.Body = asWhole(r.Body, patchToFirst)
	default:
		if isBinary(media) {
			asked.refusal = refusal(http.StatusUnsupportedMediaType, metav1.StatusReasonUnsupportedMediaType,
				"the body of the request was in an unknown format - accepted media types include: %s, %s, %s, %s, %s, %s",
				mediaJSON, mediaYAML, types.JSONPatchType, types.MergePatchType, types.StrategicMergePatchType, types.ApplyYAMLPatchType)
		}
		return // the server will say that it does not know this type
	}
	r.ContentLength = -1 // it is not known yet
	r.Header.Del("Content-Length")
}

// refusal is an answer of ours, in the server's form.
func refusal(code int32, reason metav1.StatusReason, format string, args ...any) *metav1.Status {
	return &metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
		Status:   metav1.StatusFailure,
		Message:  fmt.Sprintf(format, args...),
		Reason:   reason,
		Code:     code,
	}
}
