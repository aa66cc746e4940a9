"""Train an inpainting model.

python src/train.py                                          patterns, about five minutes
python src/train.py data=folder data.root=pictures mask=free_form
python src/train.py experiment=paper data=places2 data.root=places2
"""

import hydra
from omegaconf import DictConfig

from farfill.config.arguments import command_line, with_last_run
from farfill.config.paths import conf_dir
from farfill.errors import one_line_errors


@command_line(with_last_run)
@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="train")
@one_line_errors
def main(cfg: DictConfig) -> float | None:
    """Entry point; what it returns, the best validation, a sweeper may minimise."""
    return train(cfg)


def train(cfg: DictConfig) -> float | None:
    """Run one training, or go on with it; everything about it is left in its folder.

    Raises:
        ValueError: The settings do not fit together, or not the folder; nothing was changed.
        Diverged: Too many updates in a row were not finite.
        SystemExit: With 75, a signal other than Ctrl-C has stopped it.
    """
    from lightning import Trainer, seed_everything

    from farfill.callback.interrupt import SIGNALS, stop_if_asked
    from farfill.config.check import check_config
    from farfill.config.instantiate import instantiate, instantiate_each
    from farfill.machine import tune_processor
    from farfill.module.trainer_parts import distributed_session, out_of_time
    from farfill.rundir.final_report import best_value, final_report
    from farfill.rundir.resume import open_run
    from farfill.text import say
    from farfill.tracking.loggers import finished, log_hyperparameters, log_report

    check_config(cfg)
    tune_processor()
    with open_run(cfg) as run:
        if run.is_done():
            return run.value
        seed_everything(cfg.seed, verbose=False)
        module = instantiate(cfg.module)
        data = instantiate(cfg.datamodule)
        run.prepare(module, data)
        with SIGNALS.taken(), run.recorded(), SIGNALS.watched():
            callbacks = list(instantiate_each(cfg.callbacks).values())
            loggers = list(instantiate_each(cfg.logger).values())
            # The module clips and accumulates: with several optimizers Lightning cannot.
            module_does = {"gradient_clip_val": None, "accumulate_grad_batches": 1}
            trainer: Trainer = instantiate(
                cfg.trainer, callbacks=callbacks, logger=loggers, **module_does
            )
            with finished(loggers):
                with distributed_session(trainer, run.folder, cfg.batch_size):
                    log_hyperparameters(cfg, module, trainer)
                    if trainer.is_global_zero:
                        say(run.introduction(module))
                    trainer.fit(module, data, ckpt_path=run.checkpoint, weights_only=True)
                run.value, run.short = best_value(trainer), out_of_time(trainer)
                if trainer.is_global_zero:
                    stop_if_asked(trainer)
                    say(final_report(cfg, module, data))
                    log_report(run.folder, run.value, trainer)
        return run.value


if __name__ == "__main__":
    main()
