//! Real file systems: an ext4 volume in a file is filled up, and one is given up by the kernel as after an error of
//! its journal: read-only from then on, with what was not durable gone.
//!
//! A plain `mount -o remount,ro` is not among them: the kernel refuses it while a file is open for writing, as the
//! server's are.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::super::record::Record;
use super::{FaultOptions, Trouble, open};
use crate::server::Server;
use crate::tool::Tool;
use crate::workbench::Workbench;

const FULL: &str = "the file system is full";
const GIVEN_UP: &str = "the kernel gives the file system up";
const BYTES: u64 = 256 * 1024 * 1024;

/// A file system in a file, mounted at a directory.
struct Volume<'a> {
    bench: &'a Workbench,
    image: PathBuf,
    place: PathBuf,
}

/// Goes through the faults, each on a volume of its own.
pub(super) fn go_through(
    bench: &Workbench,
    options: &FaultOptions,
    record: &mut Record,
) -> Result<()> {
    let wanted = [FULL, GIVEN_UP].into_iter();
    for name in wanted.filter(|name| options.wants(name)) {
        if !is_root()? {
            println!("{name}: left out, since only root may mount");
            continue;
        }
        let volume = Volume::mounted(bench)?;
        let mut run = open(bench, &volume.place, options)?;
        if name == FULL {
            run.suffer(&mut Full(volume.place.join("ballast")), record)?;
        } else {
            run.suffer(&mut GivenUp(&volume), record)?;
        }
        run.end(record)?;
    }
    Ok(())
}

fn is_root() -> Result<bool> {
    Ok(fs::metadata("/proc/self")?.uid() == 0)
}

impl<'a> Volume<'a> {
    fn mounted(bench: &'a Workbench) -> Result<Self> {
        let home = bench.directory("volume")?;
        let (image, place) = (home.join("image"), home.join("server"));
        File::create(&image)?.set_len(BYTES)?;
        fs::create_dir(&place)?;
        let make = Tool::new(bench, "/usr/sbin/mkfs.ext4")?;
        make.args(["-q", "-m", "0"]).args([&image]).run()?;
        let volume = Self {
            bench,
            image,
            place,
        };
        volume.mount()?;
        Ok(volume)
    }

    fn mount(&self) -> Result<()> {
        let mount = Tool::new(self.bench, "/usr/bin/mount")?.args(["-o", "loop"]);
        mount.args([&self.image, &self.place]).run()?;
        Ok(())
    }

    fn unmount(&self) -> Result<()> {
        let unmount = Tool::new(self.bench, "/usr/bin/umount")?;
        unmount.args([&self.place]).run()?;
        Ok(())
    }
}

impl Drop for Volume<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.unmount() {
            println!("{} stays mounted: {error:#}", self.place.display());
        }
    }
}

/// A file takes all the room.
struct Full(PathBuf);

impl Trouble for Full {
    fn name(&self) -> &'static str {
        FULL
    }

    fn is_total(&self) -> bool {
        true
    }

    fn begin(&mut self, _server: &Server) -> Result<()> {
        fill(&self.0)
    }

    fn end(&mut self) -> Result<()> {
        Ok(fs::remove_file(&self.0)?)
    }
}

fn fill(path: &Path) -> Result<()> {
    let mut file = File::create(path)?;
    for size in [1024 * 1024, 4096] {
        let bytes = vec![1; size];
        loop {
            match file.write_all(&bytes).and_then(|()| file.sync_data()) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => bail!("the volume is not filled: {error}"),
            }
        }
    }
    Ok(())
}

/// The journal is aborted. The server cannot go on with the files that it has open: it is started again on the
/// volume as it is mounted anew.
struct GivenUp<'a>(&'a Volume<'a>);

impl Trouble for GivenUp<'_> {
    fn name(&self) -> &'static str {
        GIVEN_UP
    }

    fn is_total(&self) -> bool {
        true
    }

    fn outlasts_server(&self) -> bool {
        true
    }

    fn begin(&mut self, _server: &Server) -> Result<()> {
        let Volume { bench, place, .. } = self.0;
        let abort = Tool::new(bench, "/usr/bin/mount")?.args(["-o", "remount,abort"]);
        abort.args([place]).run()?;
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        self.0.unmount()?;
        self.0.mount()
    }
}
