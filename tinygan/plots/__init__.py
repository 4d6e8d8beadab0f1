"""Pictures: grids of images and animations (`images`), curves and bars (`charts`)."""

from .charts import Curve, bars, curves, rendered
from .images import grid, rows, save_gif, save_png

__all__ = ["Curve", "bars", "curves", "grid", "rendered", "rows", "save_gif", "save_png"]
