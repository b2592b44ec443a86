package checkpoint

import "golang.org/x/sys/unix"

// unfitMagic are the file system types of statfs(2) whose files can be reached by
// another machine, or by a second mount of this one, with locks of its own. A test of
// the locks cannot tell: within one mount they hold.
//
// Numbers without a constant are from coreutils, src/stat.c and fs.h, where these are
// "remote"; that of GFS2 from linux/gfs2_ondisk.h, of OrangeFS from the kernel's
// fs/orangefs/protocol.h, of Weka from libfuse, util/fusermount.c.
var unfitMagic = map[int64]string{
	unix.NFS_SUPER_MAGIC:   "NFS",
	unix.SMB_SUPER_MAGIC:   "SMB",
	unix.SMB2_SUPER_MAGIC:  "SMB",
	unix.CIFS_SUPER_MAGIC:  "CIFS",
	unix.AFS_SUPER_MAGIC:   "AFS",
	unix.AFS_FS_MAGIC:      "AFS",
	unix.CEPH_SUPER_MAGIC:  "Ceph",
	unix.CODA_SUPER_MAGIC:  "Coda",
	unix.NCP_SUPER_MAGIC:   "NCP",
	unix.FUSE_SUPER_MAGIC:  "FUSE or virtiofs",
	unix.V9FS_MAGIC:        "9p",
	unix.OCFS2_SUPER_MAGIC: "OCFS2",
	0x01161970:             "GFS2",
	0x013111a8:             "IBRIX",
	0x0bd00bd0:             "Lustre",
	0x18031977:             "Weka",
	0x19830326:             "BeeGFS",
	0x20030528:             "OrangeFS",
	0x47504653:             "GPFS",
	0x61636673:             "ACFS",
	0x786f4256:             "VirtualBox shared folder",
	0x7c7c6673:             "Parallels shared folder",
	0xaad7aaea:             "PanFS",
	0xbacbacbc:             "VMware shared folder",
	0xbeefdead:             "SNFS",
}

// refuseUnfitFS refuses a directory where a checkpoint would be damaged: by the kind of
// its file system, and by a test of its locks.
func refuseUnfitFS(dir string) error {
	return linux.refuse(dir)
}

func (s *system) refuse(dir string) error {
	var fs unix.Statfs_t
	if err := s.statfs(dir, &fs); err != nil {
		return classify("look at state directory", dir, err)
	}
	// The magic is 32 bits wide, whatever the field is.
	if kind, is := unfitMagic[int64(uint32(fs.Type))]; is {
		return onNetwork(dir, kind)
	}
	return s.tryLocks(dir)
}
