import CLinux
import Core
import Glibc

/// The whole terminal, as long as a program shows something that changes; as it was afterwards.
final class TerminalScreen {
    enum Input { case quit, redraw }

    private var saved = termios()
    /// Signals that end the program or change the size of the terminal.
    private let signals: Int32
    /// What to wait for beside whatever else there is.
    var descriptors: [Int32] { [0, signals] }

    /// Nil where standard input or output is no terminal.
    init?() {
        guard isatty(0) == 1, isatty(1) == 1, tcgetattr(0, &saved) == 0 else { return nil }
        let wanted = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH]
        signals = pcl_signalfd(wanted, wanted.count)
        guard signals >= 0 else { return nil }
        var raw = saved
        // Keys at once and unseen; those that make signals are keys too, so that nothing leaves the screen behind.
        raw.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG)
        guard tcsetattr(0, TCSADRAIN, &raw) == 0 else { return nil }
        // The other screen, without a cursor.
        Output.write(Array("\u{1B}[?1049h\u{1B}[?25l".utf8))
    }

    func restore() {
        Output.write(Array("\u{1B}[?25h\u{1B}[?1049l".utf8))
        tcsetattr(0, TCSADRAIN, &saved)
    }

    /// Rows and columns; 24 by 80 where the terminal does not say.
    var size: (rows: Int, columns: Int) {
        var window = winsize()
        guard ioctl(1, UInt(TIOCGWINSZ), &window) == 0, window.ws_row > 0, window.ws_col > 0 else { return (24, 80) }
        return (Int(window.ws_row), Int(window.ws_col))
    }

    /// Lines from the top on, each cut to the width; the rest is cleared.
    func draw(_ lines: [String]) {
        let (rows, columns) = size
        var text = "\u{1B}[H"
        for (index, line) in lines.prefix(rows).enumerated() { text += (index == 0 ? "" : "\r\n") + String(line.prefix(columns)) + "\u{1B}[K" }
        Output.write(Array((text + "\u{1B}[J").utf8))
    }

    /// What has been typed or signalled; nil if nothing of use.
    func input() -> Input? {
        var polled = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        guard poll(&polled, nfds_t(polled.count), 0) > 0 else { return nil }
        if polled[1].revents != 0 {
            var information = signalfd_siginfo()
            guard read(signals, &information, MemoryLayout<signalfd_siginfo>.size) > 0 else { return nil }
            return information.ssi_signo == UInt32(SIGWINCH) ? .redraw : .quit
        }
        guard polled[0].revents != 0 else { return nil }
        var keys = [UInt8](repeating: 0, count: 64)
        let count = read(0, &keys, keys.count)
        // A terminal that is gone, q, Ctrl-C, Ctrl-D.
        guard count > 0 else { return .quit }
        return keys[..<count].contains { [UInt8(ascii: "q"), UInt8(ascii: "Q"), 3, 4].contains($0) } ? .quit : nil
    }
}
