package naming

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

// largestBody is the size from which on a body is not translated: the API server refuses more than this.
const largestBody = 3 << 20

const (
	mediaJSON = runtime.ContentTypeJSON
	mediaYAML = runtime.ContentTypeYAML
)

// translated is a request as the first name has it, and what its sender wants to read.
type translated struct {
	*http.Request
	yaml bool
}

// translate turns a request by a second name into one by the first. Its error is the answer to one that cannot be.
func (t target) translate(r *http.Request) (translated, *metav1.Status) {
	to := r.Clone(r.Context())
	to.URL.Path, to.URL.RawPath = t.path, ""
	to.RequestURI = to.URL.RequestURI()
	if t.streams() {
		return translated{Request: to}, nil
	}
	if r.Header.Get("Upgrade") != "" {
		return translated{}, refusal(http.StatusBadRequest, metav1.StatusReasonBadRequest,
			"objects by their second names cannot be watched over a websocket: watch by HTTP, or use the first name %s", t.path)
	}
	accepts, yaml, ok := accepted(r.Header.Values("Accept"))
	if !ok {
		return translated{}, refusal(http.StatusNotAcceptable, metav1.StatusReasonNotAcceptable,
			"only the following media types are accepted: %s, %s", mediaJSON, mediaYAML)
	}
	to.Header.Set("Accept", accepts)
	to.Header.Del("Accept-Encoding") // the answer is to be read on its way back
	if refused := t.translateBody(to); refused != nil {
		return translated{}, refused
	}
	return translated{Request: to, yaml: yaml}, nil
}

// accepted is what of an Accept header can be answered, with YAML as JSON, which becomes YAML on its way back.
func accepted(values []string) (accepts string, yaml, ok bool) {
	var kept []string
	for clause := range strings.SplitSeq(strings.Join(values, ","), ",") {
		media, _, err := mime.ParseMediaType(clause)
		switch {
		case err != nil || binary(media):
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

// binary reports that a media type is one of those that only built-in kinds speak.
func binary(media string) bool {
	return media == runtime.ContentTypeProtobuf || media == runtime.ContentTypeCBOR ||
		media == runtime.ContentTypeCBORSequence || media == string(types.ApplyCBORPatchType)
}

// translateBody turns the body into that of the first name. One that is larger than the server takes goes on as it is, to be
// refused there.
func (t target) translateBody(r *http.Request) *metav1.Status {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	media := mediaJSON
	if header := r.Header.Get("Content-Type"); header != "" {
		var err error
		if media, _, err = mime.ParseMediaType(header); err != nil {
			media = header
		}
	}
	spell := map[string]func([]byte) []byte{
		mediaJSON:                             toFirst,
		mediaYAML:                             yamlToFirst,
		string(types.MergePatchType):          toFirst,
		string(types.StrategicMergePatchType): toFirst,
		string(types.JSONPatchType):           patchToFirst,
		string(types.ApplyYAMLPatchType):      yamlToFirst,
	}[media]
	switch {
	case binary(media):
		return refusal(http.StatusUnsupportedMediaType, metav1.StatusReasonUnsupportedMediaType,
			"the body of the request was in an unknown format - accepted media types include: %s, %s, %s, %s, %s, %s",
			mediaJSON, mediaYAML, types.JSONPatchType, types.MergePatchType, types.StrategicMergePatchType, types.ApplyYAMLPatchType)
	case spell == nil:
		return nil // the server will say that it does not know this type
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, largestBody+1))
	if err != nil {
		return refusal(http.StatusBadRequest, metav1.StatusReasonBadRequest, "reading the body of the request: %v", err)
	}
	if len(body) > largestBody {
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(body), r.Body), r.Body}
		return nil
	}
	body = spell(body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	r.Header.Set("Content-Length", fmt.Sprint(len(body)))
	return nil
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
