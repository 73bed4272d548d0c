/// The version of this source tree; every program prints it for `--version`.
public enum BuildVersion {
    public static let text: StaticString = "0.1.0"
}
