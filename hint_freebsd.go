//go:build cgo

package initscript

// origin is what hints are made of. There are none on FreeBSD.
type origin struct{}

func (r *spawnRequest) origin() origin { return origin{} }

func (origin) explain(err error, state record) error { return err }
