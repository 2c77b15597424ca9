from devhost.process import end_on_interrupt, exit_process

end_on_interrupt()  # before anything that takes time to import

from devhost.cli import main  # noqa: E402

exit_process(main())
