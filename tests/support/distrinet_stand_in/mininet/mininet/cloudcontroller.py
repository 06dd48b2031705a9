class LxcRemoteController:
    def __init__(self, name, ip="192.168.0.1", port=None, **_rest):
        self.name, self.ip, self.port = name, ip, port
