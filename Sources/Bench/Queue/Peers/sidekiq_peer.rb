# No-op jobs for Sidekiq: `ruby sidekiq_peer.rb JOBS` asks for them, `sidekiq -r ./sidekiq_peer.rb` runs them.
require 'sidekiq'

# Debian's two gems are of different years; a line a call would be most of what is measured.
Redis.silence_deprecations = true

url = ENV.fetch('PEER_REDIS_URL')
Sidekiq.configure_client { |config| config.redis = { url: url } }
Sidekiq.configure_server { |config| config.redis = { url: url } }

class Noop
  include Sidekiq::Worker
  sidekiq_options retry: false

  def perform(number) = nil
end

if $PROGRAM_NAME == __FILE__
  (0...ARGV[0].to_i).each_slice(1000) do |batch|
    Sidekiq::Client.push_bulk('class' => Noop, 'args' => batch.map { |number| [number] })
  end
end
