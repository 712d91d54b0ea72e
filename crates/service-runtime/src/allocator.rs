//! The memory allocator of every service. Messages are many small pieces of JSON that live shortly and are often freed by
//! another thread than made them; with the system's allocator that was a sixth of a service's time.

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;
