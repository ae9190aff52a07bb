#!/bin/sh
# What the training container of docker-compose.yml does:
#   (nothing)         train if the store has no model yet, or only a demo's while DATA_DIR names real data
#   again [OPTIONS]   train anyway; the options go to `python -m training run`
#   anything else     a command of `python -m training`
set -eu
store=models/store

has_model() {
    [ -f "$store/current" ] || return 1
    model=$(cat "$store/current")
    # A demo's model gives way to the first one of the user's own data.
    [ -z "$DATA_DIR" ] || ! grep -Eq '"simulated": *true' "$store/$model/manifest.json"
}

case "${1:-}" in
    "")
        if has_model; then
            echo "The store has a model already, $model: nothing to do. To train again:" \
                "docker compose run --rm training again"
            exit 0
        fi ;;
    again) shift ;;
    *) exec python -m training "$@" ;;
esac

if [ -n "$DATA_DIR" ]; then
    echo "Training on your data: $DATA_DIR, which is /data in here."
    data=/data
else
    echo "Training on simulated demo data, since DATA_DIR is not set."
    data=runs/demo-data
    python -m training demo-data --out "$data"
    # A demo should not keep anybody waiting.
    set -- --set reranker.max_training_users=800 "$@"
fi
exec python -m training run --data "$data" --store "$store" "$@"
