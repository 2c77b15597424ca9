"""A class of the app's own, as the durable SDK wants one."""


class Point:
    def __init__(self, x: int, y: int) -> None:
        self.x, self.y = x, y

    @staticmethod
    def to_json(point):
        return {"x": point.x, "y": point.y}

    @staticmethod
    def from_json(data):
        return Point(**data)
