package local

import (
	"testing"

	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

func TestTheFirstClassIsMadeOnce(t *testing.T) {
	api := fake.NewClientset()
	classes := api.StorageV1().StorageClasses()
	if err := MakeFirst(t.Context(), api); err != nil {
		t.Fatal(err)
	}
	if class, err := classes.Get(t.Context(), ClassName, metav1.GetOptions{}); err != nil || class.Annotations[defaultClass] != "true" {
		t.Fatalf("the class is %v (%v)", class, err)
	}
	if err := classes.Delete(t.Context(), ClassName, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := MakeFirst(t.Context(), api); err != nil {
		t.Fatal(err)
	}
	if all, err := classes.List(t.Context(), metav1.ListOptions{}); err != nil || len(all.Items) > 0 {
		t.Errorf("a class that was deleted is there again: %v (%v)", all.Items, err)
	}
}

func TestAnotherDefaultStays(t *testing.T) {
	other := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "fast", Annotations: map[string]string{defaultClass: "true"}}}
	api := fake.NewClientset(other)
	if err := MakeFirst(t.Context(), api); err != nil {
		t.Fatal(err)
	}
	if class, err := api.StorageV1().StorageClasses().Get(t.Context(), ClassName, metav1.GetOptions{}); err != nil || class.Annotations[defaultClass] != "" {
		t.Errorf("the class is %v (%v)", class, err)
	}
}
