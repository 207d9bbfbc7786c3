package local

import (
	"context"
	"testing"

	"google.golang.org/grpc/codes"
)

// TestWhatMayBeDoneBesideAnother has one operation under way while another is tried.
func TestWhatMayBeDoneBesideAnother(t *testing.T) {
	deletion := func(id string) operation { return operation{id: id, deletes: true} }
	for _, tt := range []struct {
		name       string
		first, try operation
		want       codes.Code
	}{
		{"nothing else is done to the same volume", operation{id: "a"}, operation{id: "a"}, codes.Aborted},
		{"anything is to another one", operation{id: "a"}, deletion("b"), codes.OK},
		{"a volume of which a copy is being made is not deleted", operation{id: "copy", source: "a"}, deletion("a"), codes.Aborted},
		{"but pods may come and go with it", operation{id: "copy", source: "a"}, operation{id: "a"}, codes.OK},
		{"and another copy may be made", operation{id: "copy", source: "a"}, operation{id: "more", source: "a"}, codes.OK},
		{"of a volume that is being deleted no copy is begun", deletion("a"), operation{id: "copy", source: "a"}, codes.Aborted},
		{"of one that a pod comes to or goes from one is", operation{id: "a"}, operation{id: "copy", source: "a"}, codes.OK},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var o operations
			done := func(context.Context) error { return nil }
			if err := o.do(t.Context(), tt.first, func(context.Context) error {
				if err := o.do(t.Context(), tt.try, done); code(err) != tt.want {
					t.Errorf("it is answered %v, want %s", err, tt.want)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if err := o.do(t.Context(), tt.try, done); err != nil {
				t.Errorf("afterwards it is answered %v", err)
			}
			if len(o.busy)+len(o.copied)+len(o.deleted) > 0 {
				t.Errorf("%v, %v and %v are left", o.busy, o.copied, o.deleted)
			}
		})
	}
}
