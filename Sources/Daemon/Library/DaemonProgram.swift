public enum DaemonProgram { public static func run() {} }
