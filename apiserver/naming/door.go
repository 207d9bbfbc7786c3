package naming

import (
	"context"
	"encoding/json"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/endpoints/responsewriter"

	"github.com/orrery-dev/orrery/apis"
)

// Door is a filter that lets requests by second names in as requests by the first, and spells their answers as they asked. It
// has to be outside of all other filters: nothing behind it ever sees a second name. Requests for anything else it does not
// touch.
func Door(behind http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if group, version, ok := schemaOf(r.URL.Path); ok {
			serveSchema(behind, w, r, group, version)
			return
		}
		t, ok := targetOf(r.URL.Path)
		if !ok {
			behind.ServeHTTP(w, r)
			return
		}
		t.serve(behind, w, r)
	})
}

// serve hands a request on by its first name.
func (t target) serve(behind http.Handler, w http.ResponseWriter, r *http.Request) {
	first, refused := t.translate(r)
	if refused != nil {
		refuse(w, refused)
		return
	}
	first.Request = first.WithContext(withAsked(first.Context(), t.kind.GroupVersionKind(apis.Orrery).GroupVersion().String()))
	if t.streams() {
		behind.ServeHTTP(w, first.Request)
		return
	}
	answer := &answer{ResponseWriter: w, target: t, yaml: first.yaml}
	behind.ServeHTTP(responsewriter.WrapForHTTP1Or2(answer), first.Request)
	answer.finish()
}

func refuse(w http.ResponseWriter, status *metav1.Status) {
	data, err := json.Marshal(status)
	if err != nil {
		panic(err) // a Status always encodes
	}
	w.Header().Set("Content-Type", mediaJSON)
	w.WriteHeader(int(status.Code))
	_, _ = w.Write(data) // whether it arrived is for the client to find out
}

type askedKey struct{}

// withAsked notes by which API version a request asked.
func withAsked(ctx context.Context, groupVersion string) context.Context {
	return context.WithValue(ctx, askedKey{}, groupVersion)
}

// asked is the API version of the second name that a request asked by; empty if it used the first.
func asked(ctx context.Context) string {
	groupVersion, _ := ctx.Value(askedKey{}).(string)
	return groupVersion
}
