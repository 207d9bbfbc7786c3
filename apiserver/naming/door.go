package naming

import (
	"encoding/json"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
	"k8s.io/apiserver/pkg/endpoints/responsewriter"
	"k8s.io/apiserver/pkg/features"
)

// Door is a filter that lets requests by second names in as requests by the first, and spells their answers as they asked. It
// has to be outside of all other filters: nothing behind it ever sees a second name. It wants [Inner] to be inside of all
// others. Requests for anything else it does not touch.
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
	first, yaml := t.translate(r)
	if t.streams() {
		behind.ServeHTTP(w, first)
		return
	}
	compressed := responsewriters.ContentEncodingSupported(r, features.APIResponseCompression) == "gzip"
	a := &answer{ResponseWriter: w, kind: t.kind, yaml: yaml, gzip: compressed}
	behind.ServeHTTP(responsewriter.WrapForHTTP1Or2(a), first)
	a.finish()
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
